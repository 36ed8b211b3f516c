using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>
/// Where a stage reads and writes. A stage of radix r and sub-length n = r m takes s interleaved sequences:
/// output[q + s (r p + k)] = exp(−2πi p k / n) Σ_j exp(−2πi j k / r) input[q + s (p + m j)], q &lt; s, p &lt; m.
/// </summary>
internal unsafe struct FftStage
{
    public Lane* Re, Im;            // input
    public int Stride;              // between input sites
    public Lane* OutRe, OutIm;      // output
    public int OutStride;           // between output sites
    public int M, S;
    public double* Twiddle;         // (r − 1) pairs a p, or one scale
}
