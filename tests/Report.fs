module Leith.Tests.Report
