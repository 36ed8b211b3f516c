using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<float>;

/// <summary>
/// y[s][o] = bias[o] + Σ_tap Σ_i w[tap][i][o] x[neighbour(s, tap)][i], on sixteen samples at once: a row of lanes is one site and channel, so the loop needs
/// no padding and no shuffle. With the one-tap stencil it is a dense layer.
/// Parameters: weights [tap][input][output], then the biases. The arithmetic limit of the core is reached when the outputs are a multiple of 8.
/// </summary>
internal sealed unsafe class Convolution(Stencil stencil, int inputs, int outputs)
{
    /// <summary>Number of weights.</summary>
    public int Weights => stencil.Taps * inputs * outputs;

    /// <summary>Number of weights and biases.</summary>
    public int Parameters => Weights + outputs;

    /// <summary>y ← bias + w ∗ x + added over a range of sites; <paramref name="added"/> may be null or y itself.</summary>
    public void Forward(float* parameters, Lane* x, Lane* added, Lane* y, int from, int to)
    {
        if (outputs % 8 == 0) Wide(x, added, y, parameters, parameters + Weights, inputs, outputs, from, to);
        else Narrow(x, added, y, parameters, parameters + Weights, inputs, outputs, from, to);
    }

    /// <summary>The weights that carry gradients back, w'[tap][output][input] = w[opposite tap][input][output].</summary>
    public void Flip(float* parameters, float* flipped)
    {
        for (int tap = 0; tap < stencil.Taps; tap++)
            for (int i = 0; i < inputs; i++)
                for (int o = 0; o < outputs; o++)
                    flipped[((stencil.Taps - 1 - tap) * outputs + o) * inputs + i] = parameters[(tap * inputs + i) * outputs + o];
    }

    /// <summary>∂/∂x ← w'ᵀ ∗ ∂/∂y over a range of sites, with the weights of <see cref="Flip"/>.</summary>
    public void BackwardInput(float* flipped, Lane* dy, Lane* dx, int from, int to)
    {
        if (inputs % 8 == 0) Wide(dy, null, dx, flipped, null, outputs, inputs, from, to);
        else Narrow(dy, null, dx, flipped, null, outputs, inputs, from, to);
    }

    /// <summary>Two sites by eight outputs stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Wide(Lane* x, Lane* added, Lane* y, float* w, float* bias, int channelsIn, int channelsOut, int from, int to)
    {
        int taps = stencil.Taps, step = channelsOut;
        for (int site = from; site < to; site += 2)
        {
            int other = Math.Min(site + 1, to - 1);
            int* near = stencil.Neighbours + site * taps, far = stencil.Neighbours + other * taps;
            for (int o = 0; o < channelsOut; o += 8)
            {
                Lane a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
                Lane b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
                float* v = w + o;
                for (int tap = 0; tap < taps; tap++)
                {
                    Lane* p = x + (long)near[tap] * channelsIn, q = x + (long)far[tap] * channelsIn;
                    for (Lane* end = p + channelsIn; p < end; p++, q++, v += step)
                    {
                        Lane u = *p, t = *q;
                        Lane w0 = Vector512.Create(v[0]); a0 = Vector512.FusedMultiplyAdd(u, w0, a0); b0 = Vector512.FusedMultiplyAdd(t, w0, b0);
                        Lane w1 = Vector512.Create(v[1]); a1 = Vector512.FusedMultiplyAdd(u, w1, a1); b1 = Vector512.FusedMultiplyAdd(t, w1, b1);
                        Lane w2 = Vector512.Create(v[2]); a2 = Vector512.FusedMultiplyAdd(u, w2, a2); b2 = Vector512.FusedMultiplyAdd(t, w2, b2);
                        Lane w3 = Vector512.Create(v[3]); a3 = Vector512.FusedMultiplyAdd(u, w3, a3); b3 = Vector512.FusedMultiplyAdd(t, w3, b3);
                        Lane w4 = Vector512.Create(v[4]); a4 = Vector512.FusedMultiplyAdd(u, w4, a4); b4 = Vector512.FusedMultiplyAdd(t, w4, b4);
                        Lane w5 = Vector512.Create(v[5]); a5 = Vector512.FusedMultiplyAdd(u, w5, a5); b5 = Vector512.FusedMultiplyAdd(t, w5, b5);
                        Lane w6 = Vector512.Create(v[6]); a6 = Vector512.FusedMultiplyAdd(u, w6, a6); b6 = Vector512.FusedMultiplyAdd(t, w6, b6);
                        Lane w7 = Vector512.Create(v[7]); a7 = Vector512.FusedMultiplyAdd(u, w7, a7); b7 = Vector512.FusedMultiplyAdd(t, w7, b7);
                    }
                }
                long at = (long)site * channelsOut + o;
                Store(y + at, added == null ? null : added + at, bias == null ? null : bias + o, a0, a1, a2, a3, a4, a5, a6, a7);
                if (other == site) continue;
                at += channelsOut;
                Store(y + at, added == null ? null : added + at, bias == null ? null : bias + o, b0, b1, b2, b3, b4, b5, b6, b7);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Lane* y, Lane* added, float* bias, Lane v0, Lane v1, Lane v2, Lane v3, Lane v4, Lane v5, Lane v6, Lane v7)
    {
        if (bias != null)
        {
            v0 += Vector512.Create(bias[0]); v1 += Vector512.Create(bias[1]); v2 += Vector512.Create(bias[2]); v3 += Vector512.Create(bias[3]);
            v4 += Vector512.Create(bias[4]); v5 += Vector512.Create(bias[5]); v6 += Vector512.Create(bias[6]); v7 += Vector512.Create(bias[7]);
        }
        if (added != null)
        {
            v0 += added[0]; v1 += added[1]; v2 += added[2]; v3 += added[3]; v4 += added[4]; v5 += added[5]; v6 += added[6]; v7 += added[7];
        }
        y[0] = v0; y[1] = v1; y[2] = v2; y[3] = v3; y[4] = v4; y[5] = v5; y[6] = v6; y[7] = v7;
    }

    /// <summary>Few outputs, one at a time; four partial sums hide the latency of the multiply-add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Narrow(Lane* x, Lane* added, Lane* y, float* w, float* bias, int channelsIn, int channelsOut, int from, int to)
    {
        int taps = stencil.Taps;
        for (int site = from; site < to; site++)
        {
            int* near = stencil.Neighbours + site * taps;
            for (int o = 0; o < channelsOut; o++)
            {
                Lane s0 = bias == null ? default : Vector512.Create(bias[o]), s1 = default, s2 = default, s3 = default;
                float* v = w + o;
                for (int tap = 0; tap < taps; tap++)
                {
                    Lane* p = x + (long)near[tap] * channelsIn, end = p + channelsIn;
                    for (; p + 4 <= end; p += 4, v += 4 * channelsOut)
                    {
                        s0 = Vector512.FusedMultiplyAdd(p[0], Vector512.Create(v[0]), s0);
                        s1 = Vector512.FusedMultiplyAdd(p[1], Vector512.Create(v[channelsOut]), s1);
                        s2 = Vector512.FusedMultiplyAdd(p[2], Vector512.Create(v[2 * channelsOut]), s2);
                        s3 = Vector512.FusedMultiplyAdd(p[3], Vector512.Create(v[3 * channelsOut]), s3);
                    }
                    for (; p < end; p++, v += channelsOut) s0 = Vector512.FusedMultiplyAdd(*p, Vector512.Create(*v), s0);
                }
                long at = (long)site * channelsOut + o;
                Lane sum = (s0 + s1) + (s2 + s3);
                y[at] = added == null ? sum : sum + added[at];
            }
        }
    }
}
