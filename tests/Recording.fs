module Leith.Tests.Recording
