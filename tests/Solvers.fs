module Leith.Tests.Solvers
