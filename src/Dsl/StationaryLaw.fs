/// The stationary law of the unknowns as their ensemble shows it.
module internal Leith.StationaryLaw

open Leith.Core
open Leith.Stages

/// The same for the same system, whatever it is asked.
let key experiment (unknown: Field) =
    $"statistics of {Field.canonical unknown}\n{describe experiment}"

/// Of a scalar unknown.
let ofScalar name (s: OnePointStatistics) : Statistics =
    let density = s.Density()

    {
        Of = name
        Count = s.Count
        Mean = s.Mean
        Variance = s.Variance
        StandardDeviation = s.StandardDeviation
        Skewness = s.Skewness
        Kurtosis = s.Kurtosis
        Density = density
        Peaks = [ for struct (at, height) in DensityFeatures.Peaks density -> at, height ]
        DensityAtZero = DensityFeatures.At(density, 0.0)
        Autocorrelation = None
        MeanAutocorrelation = None
        TwoPoint = []
        Spectrum = None
    }

let private axes = [ "x"; "y"; "z" ]

/// Of a field, from its values and its lag products with itself.
let ofField name every (s: OnePointStatistics) (products: SpectralLagProducts) : Statistics = {
    ofScalar name s with
        Autocorrelation = Some(SpectralStatistics.Autocorrelation(products, every))
        MeanAutocorrelation = Some(s.MeanAutocorrelation())
        TwoPoint = [
            for axis in 0 .. products.Grid.Dimensions - 1 do
                if products.Grid.Points[axis] > 1 then
                    axes[axis], SpectralStatistics.Correlation(products, axis)
        ]
        Spectrum = Some(SpectralStatistics.Spectrum products)
}

/// One line of a description.
let summary (s: Statistics) =
    let number (m: Measurement) =
        Digest.measured m.Value (Some m.StandardError)

    $"statistics of {s.Of}",
    $"mean {number s.Mean}, standard deviation {number s.StandardDeviation}, skewness {number s.Skewness}, kurtosis {number s.Kurtosis}"
