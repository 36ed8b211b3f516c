using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>S(u, t) w of a model, additive and multiplicative, on tiles. One a thread.</summary>
internal sealed unsafe class TileNoise : IDisposable
{
    private readonly Model model;
    private readonly double step;
    private readonly int first;                 // first row of the multiplicative noise among the normals
    private readonly double[] deviation;        // [row of w]
    private readonly LinearMap additive;
    private readonly LinearMap? plain;          // S without √h, for other increments than Brownian ones
    private readonly IPairMap? map, milstein;
    private readonly Tile standard, brownian, other, otherAdditive;
    private readonly LaneFft?[] transforms;
    private Tile normals;

    /// <param name="model">The model.</param>
    /// <param name="step">h.</param>
    /// <param name="first">Normals before those of the multiplicative noise.</param>
    public TileNoise(Model model, double step, int first)
    {
        (this.model, this.step, this.first) = (model, step, first);
        int rows = model.IsMultiplicative ? model.MultiplicativeRows : 0;
        additive = LinearMap.Increment(model, step);
        plain = !model.HasFields && model.NoiseMatrix is { } matrix ? new MatrixMap(matrix) : null;
        map = model.Multiplicative?.Invoke() ?? (model.ScalarNoise is { } noise ? new ScalarPair(noise) : null);
        milstein = model.Milstein?.Invoke(step).Invoke();
        deviation = rows > 0 ? [.. Model.Variances(model.MultiplicativeSegments).Select(Math.Sqrt)] : [];
        (standard, brownian, other) = (new Tile(rows), new Tile(rows), new Tile(rows));
        otherAdditive = new Tile(plain?.Columns ?? 0);
        transforms = [.. (rows > 0 ? model.MultiplicativeSegments : []).Select(s => s.Representation == Representation.Modes ? new LaneFft(s.Grid!) : null)];
        normals = standard;
    }

    /// <summary>Turns to the normals of a step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Begin(Tile normals)
    {
        this.normals = normals;
        for (int row = 0; row < deviation.Length; row++)
        {
            Vector512<double> d = Vector512.Create(deviation[row]), root = Vector512.Create(Math.Sqrt(step));
            brownian.A.Vectors[row] = root * (standard.A.Vectors[row] = d * normals.A.Vectors[first + row]);
            brownian.B.Vectors[row] = root * (standard.B.Vectors[row] = d * normals.B.Vectors[first + row]);
        }
    }

    /// <summary>to ← to + S₀ ΔW of the additive noise.</summary>
    public void AddAdditive(Tile to)
    {
        if (additive.Columns > 0) additive.Accumulate(normals, to);
    }

    /// <summary>to ← S(u, t) w.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(Tile u, double time, Increment w, bool onlyMultiplicative, Tile to)
    {
        bool isBrownian = w.Kind == IncrementKind.Brownian;
        if (!isBrownian) Fill(w);
        if (map is null) TileMath.Clear(to);
        else map.Apply(u, isBrownian ? brownian : other, time, to);
        if (onlyMultiplicative) return;
        if (isBrownian) AddAdditive(to);
        else plain?.Accumulate(otherAdditive, to);
    }

    /// <summary>to ← the increment of Milstein's law.</summary>
    public void Milstein(Tile u, double time, Tile to)
    {
        milstein!.Apply(u, standard, time, to);
        AddAdditive(to);
    }

    public void Dispose()
    {
        map?.Dispose();
        milstein?.Dispose();
        foreach (var tile in new[] { standard, brownian, other, otherAdditive }) tile.Dispose();
        foreach (var fft in transforms) fft?.Dispose();
    }

    private void Fill(Increment w)
    {
        if (model.HasFields)
        {
            FillSites(w);
            return;
        }
        int additives = otherAdditive.Rows, noises = additives + other.Rows;
        for (int j = 0; j < noises; j++)
        {
            var (to, row) = j < additives ? (otherAdditive, j) : (other, j - additives);
            to.A.Vectors[row] = Value(w, normals.A.Vectors, j, noises);
            to.B.Vectors[row] = Value(w, normals.B.Vectors, j, noises);
        }
    }

    private Vector512<double> Value(Increment w, Vector512<double>* n, int j, int noises)
    {
        double root = Math.Sqrt(step);
        bool own = j == w.Noise;
        if (w.Kind == IncrementKind.Unit) return Vector512.Create(own ? 1.0 : 0);
        if (own != (w.Kind == IncrementKind.Own)) return Vector512<double>.Zero;
        // (ΔW_j ΔW_r + V_rj)/√h with V_jj = −h
        var mixed = n[j] * n[w.Noise] + (own ? Vector512.Create(-1.0) : TwoPoint(n, noises, w.Noise, j));
        return root * (n[j] + w.Sign * mixed);
    }

    // V_rj/h: the sign of a normal of its own
    private static Vector512<double> TwoPoint(Vector512<double>* n, int noises, int r, int j)
    {
        var normal = n[noises + Increment.Pair(Math.Min(r, j), Math.Max(r, j))];
        return Vector512.CopySign(Vector512<double>.One, r < j ? normal : -normal);
    }

    private void FillSites(Increment w)
    {
        for (int i = 0; i < transforms.Length; i++)
        {
            var segment = model.MultiplicativeSegments[i];
            double* a = other.A.Pointer + segment.First * LaneArray.Lanes, b = other.B.Pointer + segment.First * LaneArray.Lanes;
            int count = segment.Rows * LaneArray.Lanes;
            Span<double> toA = new(a, count), toB = new(b, count);
            if (w.Kind == IncrementKind.Unit)
            {
                toA.Fill(1);
                toB.Fill(1);
            }
            else
            {
                brownian.A.Span.Slice(segment.First * LaneArray.Lanes, count).CopyTo(toA);
                brownian.B.Span.Slice(segment.First * LaneArray.Lanes, count).CopyTo(toB);
                transforms[i]?.Inverse(a, b);
                foreach (ref double x in toA) x += w.Sign * (x * x - step) / Math.Sqrt(step);
                foreach (ref double x in toB) x += w.Sign * (x * x - step) / Math.Sqrt(step);
            }
            transforms[i]?.Forward(a, b);
        }
    }
}
