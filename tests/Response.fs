module Leith.Tests.Response
