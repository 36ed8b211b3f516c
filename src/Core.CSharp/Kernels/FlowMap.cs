using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Leith.Core;

using Lane = Vector512<double>;

/// <summary>w(Duration) of dw/dt = Rate(w) from buffers to buffers, by steps of the classical Runge–Kutta method; see <see cref="FieldOperation.Flow"/>.</summary>
internal sealed unsafe class FlowMap : IDisposable
{
    private readonly FieldOperation.Flow _flow;
    private readonly IReadOnlyList<Segment> _segments;
    private readonly ITileMap _rate;
    private readonly Tile _state, _stage, _slope, _sum;

    public FlowMap(FieldOperation.Flow flow)
    {
        (_flow, _segments, _rate) = (flow, flow.Rate.Inputs[0], flow.Rate.Compile());
        int rows = _segments.Max(segment => segment.End);
        (_state, _stage, _slope, _sum) = (new Tile(rows), new Tile(rows), new Tile(rows), new Tile(rows));
    }

    /// <summary>From the buffers of both blocks to the buffers of both blocks.</summary>
    public void Apply(double*[] a, double*[] b, double time)
    {
        for (int i = 0; i < _segments.Count; i++) Load(_segments[i], a[_flow.From[i]], b[_flow.From[i]]);
        double h = _flow.Duration / _flow.Steps;
        for (int step = 0; step < _flow.Steps; step++)
        {
            double at = time + step * h;
            _rate.Apply(_state, at, _slope);
            Advance(h / 6, h / 2, first: true);
            _rate.Apply(_stage, at + h / 2, _slope);
            Advance(h / 3, h / 2, first: false);
            _rate.Apply(_stage, at + h / 2, _slope);
            Advance(h / 3, h, first: false);
            _rate.Apply(_stage, at + h, _slope);
            Finish(_sum.A, _slope.A, _state.A, h / 6);
            Finish(_sum.B, _slope.B, _state.B, h / 6);
        }
        for (int i = 0; i < _segments.Count; i++) Store(_segments[i], a[_flow.To[i]], b[_flow.To[i]]);
    }

    public void Dispose()
    {
        _rate.Dispose();
        foreach (var tile in (Tile[])[_state, _stage, _slope, _sum]) tile.Dispose();
    }

    private void Load(Segment segment, double* a, double* b)
    {
        int count = segment.Rows * LaneArray.Lanes, first = segment.First * LaneArray.Lanes;
        new Span<double>(a, count).CopyTo(_state.A.Span.Slice(first, count));
        new Span<double>(b, count).CopyTo(_state.B.Span.Slice(first, count));
    }

    private void Store(Segment segment, double* a, double* b)
    {
        int count = segment.Rows * LaneArray.Lanes, first = segment.First * LaneArray.Lanes;
        _state.A.Span.Slice(first, count).CopyTo(new Span<double>(a, count));
        _state.B.Span.Slice(first, count).CopyTo(new Span<double>(b, count));
    }

    private void Advance(double weight, double ahead, bool first)
    {
        Advance(_state.A, _slope.A, _sum.A, _stage.A, weight, ahead, first);
        Advance(_state.B, _slope.B, _sum.B, _stage.B, weight, ahead, first);
    }

    // sum ← (state or sum) + weight · slope, stage ← state + ahead · slope
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Advance(LaneArray state, LaneArray slope, LaneArray sum, LaneArray stage, double weight, double ahead, bool first)
    {
        Lane* w = (Lane*)state.Pointer, k = (Lane*)slope.Pointer, s = (Lane*)sum.Pointer, to = (Lane*)stage.Pointer;
        Lane share = Vector512.Create(weight), h = Vector512.Create(ahead);
        for (int row = 0; row < state.Rows; row++)
        {
            s[row] = Vector512.FusedMultiplyAdd(share, k[row], first ? w[row] : s[row]);
            to[row] = Vector512.FusedMultiplyAdd(h, k[row], w[row]);
        }
    }

    // state ← sum + weight · slope
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish(LaneArray sum, LaneArray slope, LaneArray state, double weight)
    {
        Lane* s = (Lane*)sum.Pointer, k = (Lane*)slope.Pointer, w = (Lane*)state.Pointer;
        for (int row = 0; row < state.Rows; row++) w[row] = Vector512.FusedMultiplyAdd(Vector512.Create(weight), k[row], s[row]);
    }
}
