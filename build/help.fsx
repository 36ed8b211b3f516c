#load "../leith.fsx"
printfn "%s" (Leith.Options.usage ())
