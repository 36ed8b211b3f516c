using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// ∂/∂w[tap][i][o] += Σ_sites Σ_lanes x[neighbour][i] ∂/∂y[site][o] and ∂/∂bias[o] += Σ_sites Σ_lanes ∂/∂y[site][o] of a <see cref="Convolution"/>.
/// A block of 4 × 4 weights stays in registers while it walks over a run of sites short enough for the first-level cache; lanes are summed once at the end.
/// </summary>
internal sealed unsafe class WeightGradient(Stencil stencil, int inputs, int outputs) : IDisposable
{
    private const int Run = 16, Band = 128;
    private readonly FloatLanes sums = new(stencil.Taps * inputs * outputs + outputs);

    /// <summary>Adds to the gradient of the parameters, which are laid out as those of the layer.</summary>
    public void Accumulate(Lane* x, Lane* dy, float* gradient)
    {
        sums.Span.Clear();
        for (int band = 0; band < stencil.Sites; band += Band)
        {
            int end = Math.Min(band + Band, stencil.Sites);
            for (int tap = 0; tap < stencil.Taps; tap++)
                for (int from = band; from < end; from += Run) Tap(x, dy, tap, from, Math.Min(from + Run, end));
            Bias(dy, band, end);
        }
        for (int i = 0; i < sums.Rows; i++) gradient[i] += Vector512.Sum(sums.Vectors[i]);
    }

    /// <summary>Frees the sums.</summary>
    public void Dispose() => sums.Dispose();

    private void Tap(Lane* x, Lane* dy, int tap, int from, int to)
    {
        Lane* sum = sums.Vectors + (long)tap * inputs * outputs;
        if (inputs % 4 == 0 && outputs % 4 == 0)
        {
            Blocks(x, dy, sum, tap, from, to);
        }
        else
        {
            for (int i = 0; i < inputs; i++)
                for (int o = 0; o < outputs; o += 8) Strip(x + i, dy + o, sum + i * outputs + o, Math.Min(8, outputs - o), tap, from, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Blocks(Lane* x, Lane* dy, Lane* sum, int tap, int from, int to)
    {
        int taps = stencil.Taps, wide = inputs, step = outputs;
        int* near = stencil.Neighbours + tap;
        for (int i = 0; i < wide; i += 4)
            for (int o = 0; o < step; o += 4)
            {
                Lane* r0 = sum + i * step + o, r1 = r0 + step, r2 = r1 + step, r3 = r2 + step;
                Lane a0 = r0[0], a1 = r0[1], a2 = r0[2], a3 = r0[3], b0 = r1[0], b1 = r1[1], b2 = r1[2], b3 = r1[3];
                Lane c0 = r2[0], c1 = r2[1], c2 = r2[2], c3 = r2[3], d0 = r3[0], d1 = r3[1], d2 = r3[2], d3 = r3[3];
                Lane* q = dy + (long)from * step + o, start = x + i;
                for (int site = from; site < to; site++, q += step)
                {
                    Lane* p = start + (long)near[site * taps] * wide;
                    Lane q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];
                    Lane v = p[0];
                    a0 = Vector512.FusedMultiplyAdd(v, q0, a0); a1 = Vector512.FusedMultiplyAdd(v, q1, a1);
                    a2 = Vector512.FusedMultiplyAdd(v, q2, a2); a3 = Vector512.FusedMultiplyAdd(v, q3, a3);
                    v = p[1];
                    b0 = Vector512.FusedMultiplyAdd(v, q0, b0); b1 = Vector512.FusedMultiplyAdd(v, q1, b1);
                    b2 = Vector512.FusedMultiplyAdd(v, q2, b2); b3 = Vector512.FusedMultiplyAdd(v, q3, b3);
                    v = p[2];
                    c0 = Vector512.FusedMultiplyAdd(v, q0, c0); c1 = Vector512.FusedMultiplyAdd(v, q1, c1);
                    c2 = Vector512.FusedMultiplyAdd(v, q2, c2); c3 = Vector512.FusedMultiplyAdd(v, q3, c3);
                    v = p[3];
                    d0 = Vector512.FusedMultiplyAdd(v, q0, d0); d1 = Vector512.FusedMultiplyAdd(v, q1, d1);
                    d2 = Vector512.FusedMultiplyAdd(v, q2, d2); d3 = Vector512.FusedMultiplyAdd(v, q3, d3);
                }
                r0[0] = a0; r0[1] = a1; r0[2] = a2; r0[3] = a3; r1[0] = b0; r1[1] = b1; r1[2] = b2; r1[3] = b3;
                r2[0] = c0; r2[1] = c1; r2[2] = c2; r2[3] = c3; r3[0] = d0; r3[1] = d1; r3[2] = d2; r3[3] = d3;
            }
    }

    /// <summary>One input by at most eight outputs: the first and last layers, whose work is small.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Strip(Lane* x, Lane* dy, Lane* sum, int count, int tap, int from, int to)
    {
        int taps = stencil.Taps, wide = inputs, step = outputs;
        int* near = stencil.Neighbours + tap;
        if (count == 8)
        {
            Lane s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3], s4 = sum[4], s5 = sum[5], s6 = sum[6], s7 = sum[7];
            Lane* q = dy + (long)from * step;
            for (int site = from; site < to; site++, q += step)
            {
                Lane v = x[(long)near[site * taps] * wide];
                s0 = Vector512.FusedMultiplyAdd(v, q[0], s0); s1 = Vector512.FusedMultiplyAdd(v, q[1], s1);
                s2 = Vector512.FusedMultiplyAdd(v, q[2], s2); s3 = Vector512.FusedMultiplyAdd(v, q[3], s3);
                s4 = Vector512.FusedMultiplyAdd(v, q[4], s4); s5 = Vector512.FusedMultiplyAdd(v, q[5], s5);
                s6 = Vector512.FusedMultiplyAdd(v, q[6], s6); s7 = Vector512.FusedMultiplyAdd(v, q[7], s7);
            }
            sum[0] = s0; sum[1] = s1; sum[2] = s2; sum[3] = s3; sum[4] = s4; sum[5] = s5; sum[6] = s6; sum[7] = s7;
            return;
        }
        for (int o = 0; o < count; o++)
        {
            Lane even = sum[o], odd = default;
            int site = from;
            for (; site + 1 < to; site += 2)
            {
                even = Vector512.FusedMultiplyAdd(x[(long)near[site * taps] * wide], dy[(long)site * step + o], even);
                odd = Vector512.FusedMultiplyAdd(x[(long)near[(site + 1) * taps] * wide], dy[(long)(site + 1) * step + o], odd);
            }
            if (site < to) even = Vector512.FusedMultiplyAdd(x[(long)near[site * taps] * wide], dy[(long)site * step + o], even);
            sum[o] = even + odd;
        }
    }

    private void Bias(Lane* dy, int from, int to)
    {
        Lane* sum = sums.Vectors + (long)stencil.Taps * inputs * outputs;
        for (int o = 0; o < outputs; o++)
        {
            Lane total = default;
            for (int site = from; site < to; site++) total += dy[(long)site * outputs + o];
            sum[o] += total;
        }
    }
}
