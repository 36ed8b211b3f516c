using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Standard normals as a function of (seed, stream, member, step, row): Threefry2x64 under the key (seed, member | stream·2⁴⁰) at the counter
/// (step, ⌊row/2⌋), 13 rounds, then Box–Muller. No state: any number of any member can be had again, in any order, on any thread, bit for bit.
/// </summary>
/// <remarks>
/// Doubles: tails up to 9.49 σ, 1e-15 accurate. Floats: a path of their own, tails up to 6.66 σ, 3e-7 accurate. Streams below 2²⁴.
/// 13 rounds are the fewest that pass BigCrush (<see cref="Threefry"/>). Rows come sixteen at a time; those left over cost as much as 8 or 16.
/// </remarks>
public static unsafe class NormalStream
{
    /// <summary>destination[(row − firstRow)·8 + lane] = n(seed, stream, firstMember + lane, step, row) for row = firstRow … firstRow + rows − 1.</summary>
    /// <param name="destination">rows × 8 doubles.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="seed">Seed of the ensemble.</param>
    /// <param name="stream">Which of several independent noises, below 2²⁴.</param>
    /// <param name="step">Time step.</param>
    /// <param name="firstMember">Member of lane 0, a multiple of 8.</param>
    /// <param name="firstRow">Row of the first of them, an even number.</param>
    /// <exception cref="LeithException">firstMember is negative or no multiple of 8; the stream is too large; firstRow is negative or odd.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // At once: before tiering notices, whole runs are over.
    public static void Fill(double* destination, int rows, ulong seed, uint stream, long step, int firstMember, int firstRow = 0)
    {
        CheckDoor(stream, firstMember, LaneArray.Lanes);
        if (firstRow < 0 || firstRow % 2 != 0) throw new LeithException($"normals: expected an even first row, 0 or more, got {firstRow}; rows come in pairs.");
        var key = Key(seed, stream, firstMember, 1);
        var to = (Vector512<double>*)destination;
        int pair = firstRow / 2;
        for (; rows >= 16; rows -= 16, to += 16, pair += 8) EightPairs(to, key, (ulong)step, (ulong)pair);
        if (rows > 0) Last(to, rows, key, (ulong)step, (ulong)pair);
    }

    /// <summary>n(seed, stream, member, step, row): the number that <see cref="Fill(double*, int, ulong, uint, long, int, int)"/> puts there, bit for bit.</summary>
    public static double Single(ulong seed, uint stream, int member, long step, int row)
    {
        var (x0, x1) = Threefry.Block(seed, MemberKey(stream, member), (ulong)step, (ulong)(row / 2), 13);
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
        ulong block = 0;
        for (; rows >= 16; rows -= 16, to += 16, block += 4) FourBlocks(to, even, odd, (ulong)step, block);
        if (rows == 0) return;
        var last = stackalloc Vector512<float>[16];
        FourBlocks(last, even, odd, (ulong)step, block);
        for (int row = 0; row < rows; row++) to[row] = last[row];
    }

    /// <summary>The number that <see cref="Fill(float*, int, ulong, uint, long, int)"/> puts there, bit for bit.</summary>
    public static float SingleFloat(ulong seed, uint stream, int member, long step, int row)
    {
        var (x0, x1) = Threefry.Block(seed, MemberKey(stream, member), (ulong)step, (ulong)(row / 4), 13);
        ulong word = row % 4 < 2 ? x0 : x1;
        var (n0, n1) = BoxMullerSingle.Scalar((uint)word, (uint)(word >> 32));
        return row % 2 == 0 ? n0 : n1;
    }

    // Not inlined, here and in Box–Muller: past its budget the compiler leaves calls where single operations should stand.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void EightPairs(Vector512<double>* to, in Threefry.LaneKey key, ulong step, ulong pair)
    {
        FourVectors<ulong> x0 = Same(step), x1 = Counters(pair), y0 = x0, y1 = Counters(pair + 4);
        Threefry.Block13(key, ref x0, ref x1, key, ref y0, ref y1);
        Store(to, x0, x1);
        Store(to + 8, y0, y1);
        BoxMuller.FourPairs(to);
        BoxMuller.FourPairs(to + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FourPairs(Vector512<double>* to, in Threefry.LaneKey key, ulong step, ulong pair)
    {
        FourVectors<ulong> x0 = Same(step), x1 = Counters(pair);
        Threefry.Block13(key, ref x0, ref x1);
        Store(to, x0, x1);
        BoxMuller.FourPairs(to);
    }

    [SkipLocalsInit]
    private static void Last(Vector512<double>* to, int rows, in Threefry.LaneKey key, ulong step, ulong pair)
    {
        var whole = stackalloc Vector512<double>[16];
        if (rows > 8) EightPairs(whole, key, step, pair);
        else FourPairs(whole, key, step, pair);
        for (int row = 0; row < rows; row++) to[row] = whole[row];
    }

    // the words of a pair one after the other: where its normals will be
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<double>* to, FourVectors<ulong> x0, FourVectors<ulong> x1)
    {
        (to[0], to[2], to[4], to[6]) = (x0.A.AsDouble(), x0.B.AsDouble(), x0.C.AsDouble(), x0.D.AsDouble());
        (to[1], to[3], to[5], to[7]) = (x1.A.AsDouble(), x1.B.AsDouble(), x1.C.AsDouble(), x1.D.AsDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FourVectors<ulong> Same(ulong x) => new(Vector512.Create(x), Vector512.Create(x), Vector512.Create(x), Vector512.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FourVectors<ulong> Counters(ulong first) => new(Vector512.Create(first), Vector512.Create(first + 1), Vector512.Create(first + 2), Vector512.Create(first + 3));

    // sixteen rows: four blocks of even and of odd members, then eight vectors of radii and angles
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FourBlocks(Vector512<float>* to, in Threefry.LaneKey even, in Threefry.LaneKey odd, ulong step, ulong block)
    {
        FourVectors<ulong> e0 = Same(step), e1 = Counters(block), o0 = e0, o1 = e1;
        Threefry.Block13(even, ref e0, ref e1, odd, ref o0, ref o1);
        (to[0], to[4], to[8], to[12]) = (LowHalves(e0.A, o0.A), LowHalves(e0.B, o0.B), LowHalves(e0.C, o0.C), LowHalves(e0.D, o0.D));
        (to[1], to[5], to[9], to[13]) = (HighHalves(e0.A, o0.A), HighHalves(e0.B, o0.B), HighHalves(e0.C, o0.C), HighHalves(e0.D, o0.D));
        (to[2], to[6], to[10], to[14]) = (LowHalves(e1.A, o1.A), LowHalves(e1.B, o1.B), LowHalves(e1.C, o1.C), LowHalves(e1.D, o1.D));
        (to[3], to[7], to[11], to[15]) = (HighHalves(e1.A, o1.A), HighHalves(e1.B, o1.B), HighHalves(e1.C, o1.C), HighHalves(e1.D, o1.D));
        BoxMullerSingle.FourPairs(to);
        BoxMullerSingle.FourPairs(to + 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LowHalves(Vector512<ulong> even, Vector512<ulong> odd) => Vector512.ConditionalSelect(Vector512.Create(0xFFFFFFFFUL), even, odd << 32).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> HighHalves(Vector512<ulong> even, Vector512<ulong> odd) => Vector512.ConditionalSelect(Vector512.Create(0xFFFFFFFFUL), even >>> 32, odd).AsSingle();

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
