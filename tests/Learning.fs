module Leith.Tests.Learning
