using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Threefry2x64: 128 bits as a keyed bijection of a 128-bit counter. Integer additions, rotations and exclusive ors only,
/// so lanes and scalars agree bit for bit on every machine.
/// </summary>
/// <remarks>Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11). 20 rounds is their recommended number, 13 the fewest that pass BigCrush; the normals take 13.</remarks>
internal static class Threefry
{
    private const ulong Parity = 0x1BD11BDAA9FC1A22;

    /// <summary>One block: the two words of a counter under a key.</summary>
    public static (ulong X0, ulong X1) Block(ulong key0, ulong key1, ulong counter0, ulong counter1, int rounds)
    {
        ReadOnlySpan<int> rotations = [16, 42, 12, 31, 16, 32, 24, 21];
        ReadOnlySpan<ulong> key = [key0, key1, Parity ^ key0 ^ key1];
        ulong x0 = counter0 + key0, x1 = counter1 + key1;
        for (int round = 1; round <= rounds; round++)
        {
            x0 += x1;
            x1 = BitOperations.RotateLeft(x1, rotations[(round - 1) % 8]) ^ x0;
            if (round % 4 != 0) continue;
            int injection = round / 4;
            x0 += key[injection % 3];
            x1 += key[(injection + 1) % 3] + (ulong)injection;
        }
        return (x0, x1);
    }

    /// <summary>The keys of eight lanes, with all that the rounds inject: key words to x0, key words plus the number of the injection to x1.</summary>
    public readonly struct LaneKey
    {
        public readonly Vector512<ulong> K0, K1, K2, Second1, Second2, Second3;

        public LaneKey(Vector512<ulong> key0, Vector512<ulong> key1)
        {
            K0 = key0;
            K1 = key1;
            K2 = Vector512.Create(Parity) ^ key0 ^ key1;
            Second1 = K2 + Vector512.Create(1UL);
            Second2 = K0 + Vector512.Create(2UL);
            Second3 = K1 + Vector512.Create(3UL);
        }
    }

    /// <summary>Thirteen rounds on four times eight lanes; the words come in as counters and go out as random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block13(in LaneKey key, ref FourVectors<ulong> x0, ref FourVectors<ulong> x1)
    {
        Add(ref x0, ref x1, key.K0, key.K1);
        Round(ref x0, ref x1, 16);
        Round(ref x0, ref x1, 42);
        Round(ref x0, ref x1, 12);
        Round(ref x0, ref x1, 31);
        Add(ref x0, ref x1, key.K1, key.Second1);
        Round(ref x0, ref x1, 16);
        Round(ref x0, ref x1, 32);
        Round(ref x0, ref x1, 24);
        Round(ref x0, ref x1, 21);
        Add(ref x0, ref x1, key.K2, key.Second2);
        Round(ref x0, ref x1, 16);
        Round(ref x0, ref x1, 42);
        Round(ref x0, ref x1, 12);
        Round(ref x0, ref x1, 31);
        Add(ref x0, ref x1, key.K0, key.Second3);
        Round(ref x0, ref x1, 16);
    }

    /// <summary>The same under two keys, round by round in turn: eight chains keep a core busy, four do not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block13(
        in LaneKey keyX, ref FourVectors<ulong> x0, ref FourVectors<ulong> x1, in LaneKey keyY, ref FourVectors<ulong> y0, ref FourVectors<ulong> y1)
    {
        Add(ref x0, ref x1, keyX.K0, keyX.K1);
        Add(ref y0, ref y1, keyY.K0, keyY.K1);
        Rounds(ref x0, ref x1, ref y0, ref y1, 16, 42, 12, 31);
        Add(ref x0, ref x1, keyX.K1, keyX.Second1);
        Add(ref y0, ref y1, keyY.K1, keyY.Second1);
        Rounds(ref x0, ref x1, ref y0, ref y1, 16, 32, 24, 21);
        Add(ref x0, ref x1, keyX.K2, keyX.Second2);
        Add(ref y0, ref y1, keyY.K2, keyY.Second2);
        Rounds(ref x0, ref x1, ref y0, ref y1, 16, 42, 12, 31);
        Add(ref x0, ref x1, keyX.K0, keyX.Second3);
        Add(ref y0, ref y1, keyY.K0, keyY.Second3);
        Round(ref x0, ref x1, 16);
        Round(ref y0, ref y1, 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rounds(
        ref FourVectors<ulong> x0, ref FourVectors<ulong> x1, ref FourVectors<ulong> y0, ref FourVectors<ulong> y1,
        [ConstantExpected] byte r0, [ConstantExpected] byte r1, [ConstantExpected] byte r2, [ConstantExpected] byte r3)
    {
        Round(ref x0, ref x1, r0);
        Round(ref y0, ref y1, r0);
        Round(ref x0, ref x1, r1);
        Round(ref y0, ref y1, r1);
        Round(ref x0, ref x1, r2);
        Round(ref y0, ref y1, r2);
        Round(ref x0, ref x1, r3);
        Round(ref y0, ref y1, r3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref FourVectors<ulong> x0, ref FourVectors<ulong> x1, Vector512<ulong> key0, Vector512<ulong> key1)
    {
        x0 += key0;
        x1 += key1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(ref FourVectors<ulong> x0, ref FourVectors<ulong> x1, [ConstantExpected] byte rotation)
    {
        x0 += x1;
        x1 = FourVectors.RotateLeft(x1, rotation) ^ x0;
    }
}
