// Question   Which sea regions answer to a push in the tropical Pacific, how much, and how late?
// Data       19 regions, 300 years of monthly anomalies: ./run experiments/sea_surface_temperature.fsx SERIES.npy [MAP.npy]
