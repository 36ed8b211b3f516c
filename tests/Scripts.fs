module Leith.Tests.Scripts
