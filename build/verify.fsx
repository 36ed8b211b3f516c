#load "../leith.fsx"
Leith.Verify.run ()
