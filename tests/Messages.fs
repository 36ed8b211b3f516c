module Leith.Tests.Messages
