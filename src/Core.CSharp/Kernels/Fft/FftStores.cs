using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>What a butterfly does to an output on its way to memory.</summary>
internal unsafe interface IFftStore
{
    /// <summary>Whether the twiddle pointer moves on with p.</summary>
    static abstract bool Twiddled { get; }

    /// <summary>Output 0, whose twiddle is 1.</summary>
    static abstract void First(Lane* u, Lane* v, Lane re, Lane im, double* w);

    /// <summary>Another output; w points to its twiddle.</summary>
    static abstract void Put(Lane* u, Lane* v, Lane re, Lane im, double* w, int twiddle);
}

/// <summary>Times exp(−2πi p j / length): all stages but the last.</summary>
internal readonly unsafe struct TwiddleStore : IFftStore
{
    public static bool Twiddled => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void First(Lane* u, Lane* v, Lane re, Lane im, double* w)
    {
        *u = re;
        *v = im;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(Lane* u, Lane* v, Lane re, Lane im, double* w, int twiddle)
    {
        Lane cos = Vector512.Create(w[2 * twiddle - 2]), sin = Vector512.Create(w[2 * twiddle - 1]);
        *u = LaneMath.MultiplySubtract(re, cos, im * sin);
        *v = Vector512.FusedMultiplyAdd(re, sin, im * cos);
    }
}

/// <summary>As it is: the last stage, where every twiddle is 1.</summary>
internal readonly unsafe struct PlainStore : IFftStore
{
    public static bool Twiddled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void First(Lane* u, Lane* v, Lane re, Lane im, double* w)
    {
        *u = re;
        *v = im;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(Lane* u, Lane* v, Lane re, Lane im, double* w, int twiddle)
    {
        *u = re;
        *v = im;
    }
}

/// <summary>Times one number, to which w points: the last stage of the inverse.</summary>
internal readonly unsafe struct ScaledStore : IFftStore
{
    public static bool Twiddled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void First(Lane* u, Lane* v, Lane re, Lane im, double* w)
    {
        *u = re * Vector512.Create(*w);
        *v = im * Vector512.Create(*w);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(Lane* u, Lane* v, Lane re, Lane im, double* w, int twiddle) => First(u, v, re, im, w);
}
