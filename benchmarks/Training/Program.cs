using Leith.Benchmarks.Training;

LayerRates.Print(16);
LayerRates.Print(32);
