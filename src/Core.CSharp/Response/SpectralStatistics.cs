namespace Leith.Core;

/// <summary>Two-point statistics of a homogeneous field from its lag products with itself, with standard errors from the blocks of these.</summary>
public static class SpectralStatistics
{
    /// <summary>ρ(τ) = Σ_k Re C_k(τ) / Σ_k C_k(0), the autocorrelation in time of the field at one site.</summary>
    public static MeasuredCurve Autocorrelation(SpectralLagProducts products, double interval)
    {
        var blocks = Enumerable.Range(0, products.Blocks).Select(products.Traces).ToArray();
        var (values, errors) = Jackknife.Curve(products.Blocks, without =>
        {
            var kept = blocks.Where((_, b) => b != without).ToArray();
            double fields = kept.Sum(b => b.Count), meanB = kept.Sum(b => b.MeanB) / fields;
            double[] covariance = [.. Enumerable.Range(0, products.Lags).Select(lag => kept.Sum(b => b.Trace[lag]) / fields - kept.Sum(b => b.MeanA[lag]) / fields * meanB)];
            return [.. covariance.Select(c => c / covariance[0])];
        });
        return new([.. values.Select((_, lag) => lag * interval)], values, errors);
    }

    /// <summary>ρ(x) = C(x)/C(0) at offsets 0 … L/2 along an axis.</summary>
    public static MeasuredCurve Correlation(SpectralLagProducts products, int axis)
    {
        var (grid, first) = (products.Grid, products.First(1));
        int points = grid.Points[axis] / 2 + 1;
        int[] sites = [.. Enumerable.Range(0, points).Select(i =>
        {
            var index = new int[grid.Dimensions];
            index[axis] = i;
            return grid.Ravel(index);
        })];
        var (values, errors) = Jackknife.Curve(products.Blocks, without =>
        {
            double[] covariance = SpectralResponse.ToSites(grid, first.Average(AllBut(without, products.Blocks)))[0];
            return [.. sites.Select(site => covariance[site] / covariance[0])];
        });
        return new([.. values.Select((_, i) => i * grid.Lengths[axis] / grid.Points[axis])], values, errors);
    }

    /// <summary>E(k): the variance in shells of |k| one smallest wavenumber wide, over that width, so that Σ E Δk is the variance of the field.</summary>
    public static MeasuredCurve Spectrum(SpectralLagProducts products)
    {
        var (grid, first) = (products.Grid, products.First(1));
        double width = grid.Lengths.Min(length => 2 * Math.PI / length);
        int[] shells = [.. grid.Wavevectors().Select(k => (int)Math.Round(Math.Sqrt(k.Sum(c => c * c)) / width))];
        var (values, errors) = Jackknife.Curve(products.Blocks, without =>
        {
            var power = first.Average(AllBut(without, products.Blocks))[0];
            var spectrum = new double[shells.Max() + 1];
            for (int mode = 0; mode < power.Length; mode++) spectrum[shells[mode]] += power[mode].Real / ((double)grid.Sites * grid.Sites * width);
            return spectrum;
        });
        return new([.. values.Select((_, i) => i * width)], values, errors);
    }

    static double[] AllBut(int without, int blocks) => [.. Enumerable.Range(0, blocks).Select(b => b == without ? 0.0 : 1.0)];
}
