namespace Leith.Core;

/// <summary>
/// The features of a record with one more behind them: r(u), what a network adds to a score, a map of the spectrum of the field. Its slope is found by probes in the directions of the
/// field's own modes: (r(u + z) − r(u − z))/(2 ε √P_k) with z_k = ε √P_k v_k, |v_k| = 1, an error of O(ε²) and of the rounding of single precision over ε.
/// </summary>
public static class WithRemainder
{
    private const double Step = 0.02; // ε: of the curvature of a network over the field's own scale 1e-4, of rounding 1e-5

    /// <summary>Those features and r, whose number is the count of the others.</summary>
    /// <param name="features">The features.</param>
    /// <param name="remainder">r.</param>
    /// <param name="power">P_k = ⟨|u_k|²⟩; modes without are not probed.</param>
    /// <param name="name">What r is called.</param>
    public static LibraryFeatures Of(LibraryFeatures features, Func<ITileMap> remainder, double[] power, string name) => new()
    {
        Grid = features.Grid,
        Names = [.. features.Names, name],
        ProbedMap = () => new Map(features, remainder(), power),
        Probed = [.. features.Probed, features.Count],
        Numbers = features.Numbers,
        Slopes = features.Slopes,
        Seed = features.Seed,
        Lagged = features.LaggedCount,
    };

    private sealed class Map : IPairMap
    {
        private readonly LibraryFeatures features;
        private readonly ITileMap remainder;
        private readonly double[] size;
        private readonly ITileMap? plain;
        private readonly IPairMap? probed;
        private readonly Tile values, spectrum, moved, result, less;

        public Map(LibraryFeatures features, ITileMap remainder, double[] power)
        {
            (this.features, this.remainder) = (features, remainder);
            size = [.. power.Select(p => p > 0 ? Step * Math.Sqrt(p) : 0)];
            if (features.Probed.Count == 0) plain = features.Map!();
            else probed = features.ProbedMap!();
            int n = features.Grid.Sites;
            (values, spectrum, moved, result, less) = (new(features.Rows), new(n), new(n), new(n), new(n));
        }

        public void Apply(Tile state, Tile probe, double time, Tile to)
        {
            values.Index = spectrum.Index = moved.Index = state.Index;
            if (plain is not null) plain.Apply(state, time, values);
            else probed!.Apply(state, probe, time, values);
            int n = features.Grid.Sites, first = features.Count * n, tangents = features.Probed.Count * n;
            // feature 0 is the field; r stands behind the features, r′v behind the other tangents
            Copy(values, 0, spectrum, 0, n);
            Copy(values, 0, to, 0, first);
            Copy(values, first, to, first + n, tangents);
            Copy(values, first + tangents, to, first + tangents + 2 * n, features.Numbers);
            remainder.Apply(spectrum, time, result);
            Copy(result, 0, to, first, n);
            Shift(probe, 1);
            remainder.Apply(moved, time, result);
            Shift(probe, -1);
            remainder.Apply(moved, time, less);
            TileMath.Add(result, -1, less);
            for (int k = 0; k < n; k++)
            {
                double factor = size[k] > 0 ? 0.5 / size[k] : 0;
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    result.A[k, lane] *= factor;
                    result.B[k, lane] *= factor;
                }
            }
            Copy(result, 0, to, first + n + tangents, n);
        }

        public void Dispose()
        {
            plain?.Dispose();
            probed?.Dispose();
            remainder.Dispose();
            foreach (var tile in new[] { values, spectrum, moved, result, less }) tile.Dispose();
        }

        private void Shift(Tile probe, double sign)
        {
            moved.CopyFrom(spectrum);
            for (int k = 0; k < size.Length; k++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                {
                    moved.A[k, lane] += sign * size[k] * probe.A[k, lane];
                    moved.B[k, lane] += sign * size[k] * probe.B[k, lane];
                }
        }

        private static void Copy(Tile from, int first, Tile to, int at, int rows)
        {
            const int lanes = LaneArray.Lanes;
            from.A.Span.Slice(first * lanes, rows * lanes).CopyTo(to.A.Span[(at * lanes)..]);
            from.B.Span.Slice(first * lanes, rows * lanes).CopyTo(to.B.Span[(at * lanes)..]);
        }
    }
}
