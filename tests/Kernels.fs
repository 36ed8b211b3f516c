module Leith.Tests.Kernels
