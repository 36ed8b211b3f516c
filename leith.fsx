// Everything a script needs: #load "../leith.fsx", then open Leith.
#r "artifacts/Leith/Release/Leith.Core.dll"
#r "artifacts/Leith/Release/Leith.Torch.dll"
#r "artifacts/Leith/Release/Leith.dll"
