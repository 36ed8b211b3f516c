using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Standard normals as a function of (seed, stream, member, step, row): Threefry2x64 under the key (seed, member | stream·2⁴⁰) at the counter
/// (step, ⌊row/2⌋), then Box–Muller. No state: any number of any member can be had again, in any order, on any thread, bit for bit.
/// </summary>
/// <remarks>Doubles: 20 rounds, tails up to 8.65 σ, 1e-15 accurate. Floats: a path of its own, 13 rounds, tails up to 6.66 σ, 3e-7 accurate; streams below 2²⁴.</remarks>
public static unsafe class NormalStream
{
    /// <summary>destination[row·8 + lane] = n(seed, stream, firstMember + lane, step, row) for row = 0 … rows−1.</summary>
    /// <param name="destination">rows × 8 doubles.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="seed">Seed of the ensemble.</param>
    /// <param name="stream">Which of several independent noises, below 2²⁴.</param>
    /// <param name="step">Time step.</param>
    /// <param name="firstMember">Member of lane 0, a multiple of 8.</param>
    /// <exception cref="LeithException">firstMember is negative or no multiple of 8; the stream is too large.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // At once: before tiering notices, whole runs are over.
    public static void Fill(double* destination, int rows, ulong seed, uint stream, long step, int firstMember)
    {
        CheckDoor(stream, firstMember, LaneArray.Lanes);
        var key = Key(seed, stream, firstMember, 1);
        var to = (Vector512<double>*)destination;
        var counter = Vector512.Create((ulong)step);
        int pairs = rows / 2;
        for (int pair = 0; pair < pairs; pair++, to += 2) (to[0], to[1]) = Pair(key, counter, pair);
        if (rows % 2 != 0) *to = Last(key, counter, pairs);
    }

    /// <summary>n(seed, stream, member, step, row): the number that <see cref="Fill(double*, int, ulong, uint, long, int)"/> puts there, bit for bit.</summary>
    public static double Single(ulong seed, uint stream, int member, long step, int row)
    {
        var (x0, x1) = Threefry.Block(seed, MemberKey(stream, member), (ulong)step, (ulong)(row / 2), 20);
        var (n0, n1) = BoxMuller.Scalar(x0, x1);
        return row % 2 == 0 ? n0 : n1;
    }

    /// <summary>
    /// destination[row·16 + lane] = n(seed, stream, firstMember + lane, step, row) in single precision, not the doubles rounded: one block a member
    /// serves four rows, low halves of its two words the radii, high halves the angles.
    /// </summary>
    /// <param name="destination">rows × 16 floats.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="seed">Seed of the ensemble.</param>
    /// <param name="stream">Which of several independent noises, below 2²⁴.</param>
    /// <param name="step">Time step.</param>
    /// <param name="firstMember">Member of lane 0, a multiple of 16.</param>
    /// <exception cref="LeithException">firstMember is negative or no multiple of 16; the stream is too large.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(float* destination, int rows, ulong seed, uint stream, long step, int firstMember)
    {
        CheckDoor(stream, firstMember, 2 * LaneArray.Lanes);
        // even and odd members run apart, so that a 32-bit lane 2j is a half of one word and lane 2j+1 a half of the other, without a shuffle
        var (even, odd) = (Key(seed, stream, firstMember, 2), Key(seed, stream, firstMember + 1, 2));
        var to = (Vector512<float>*)destination;
        int whole = rows / 4;
        for (int block = 0; block < whole; block++, to += 4) (to[0], to[1], to[2], to[3]) = Four(even, odd, step, block);
        if (rows % 4 != 0) FillLast(to, rows % 4, even, odd, step, whole);
    }

    /// <summary>The number that <see cref="Fill(float*, int, ulong, uint, long, int)"/> puts there, bit for bit.</summary>
    public static float SingleFloat(ulong seed, uint stream, int member, long step, int row)
    {
        var (x0, x1) = Threefry.Block(seed, MemberKey(stream, member), (ulong)step, (ulong)(row / 4), 13);
        ulong word = row % 4 < 2 ? x0 : x1;
        var (n0, n1) = BoxMullerSingle.Scalar((uint)word, (uint)(word >> 32));
        return row % 2 == 0 ? n0 : n1;
    }

    // apart from the loop, which keeps all of its registers that way
    private static Vector512<double> Last(in Threefry.LaneKey key, Vector512<ulong> step, int pair) => Pair(key, step, pair).Item1;

    private static void FillLast(Vector512<float>* to, int rows, in Threefry.LaneKey even, in Threefry.LaneKey odd, long step, int block)
    {
        var (n0, n1, n2, _) = Four(even, odd, step, block);
        to[0] = n0;
        if (rows > 1) to[1] = n1;
        if (rows > 2) to[2] = n2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<double>, Vector512<double>) Pair(in Threefry.LaneKey key, Vector512<ulong> step, int pair)
    {
        Vector512<ulong> x0 = step, x1 = Vector512.Create((ulong)pair);
        Threefry.Block20(key, ref x0, ref x1);
        return BoxMuller.Lanes(x0, x1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) Four(in Threefry.LaneKey even, in Threefry.LaneKey odd, long step, int block)
    {
        Vector512<ulong> e0 = Vector512.Create((ulong)step), e1 = Vector512.Create((ulong)block), o0 = e0, o1 = e1;
        Threefry.Block13(even, ref e0, ref e1);
        Threefry.Block13(odd, ref o0, ref o1);
        var (n0, n1) = BoxMullerSingle.Lanes(LowHalves(e0, o0), HighHalves(e0, o0));
        var (n2, n3) = BoxMullerSingle.Lanes(LowHalves(e1, o1), HighHalves(e1, o1));
        return (n0, n1, n2, n3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> LowHalves(Vector512<ulong> even, Vector512<ulong> odd) => ((even & Vector512.Create(0xFFFFFFFFUL)) | (odd << 32)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> HighHalves(Vector512<ulong> even, Vector512<ulong> odd) => ((even >>> 32) | (odd & Vector512.Create(0xFFFFFFFF00000000UL))).AsUInt32();

    private static ulong MemberKey(uint stream, int member) => (uint)member | ((ulong)stream << 40);

    private static Threefry.LaneKey Key(ulong seed, uint stream, int firstMember, int stride)
    {
        var lanes = Vector512<ulong>.Indices * Vector512.Create((ulong)stride);
        return new(Vector512.Create(seed), Vector512.Create(MemberKey(stream, firstMember)) + lanes);
    }

    private static void CheckDoor(uint stream, int firstMember, int lanes)
    {
        if (firstMember < 0 || firstMember % lanes != 0) throw new LeithException($"normals: expected the first member to be a multiple of {lanes}, got {firstMember}; fill whole blocks of {lanes} members.");
        if (stream >= 1u << 24) throw new LeithException($"normals: expected a stream below {1 << 24}, got {stream}; number the noises from 0.");
    }
}
