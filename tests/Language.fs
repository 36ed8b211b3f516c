module Leith.Tests.Language
