using System.Runtime.Intrinsics;

namespace Leith.Core;

/// <summary>
/// Σ a_i(n) b_j(n−τ), τ = 0 … L, of eight members in lanes as samples come in; samples are gathered in chunks so that sums stay in registers.
/// Before the first sample everything is zero, the constant 1 included, so that pairs with times before the record count nothing.
/// </summary>
internal sealed unsafe class LaneLagSums : IDisposable
{
    private const int Chunk = 16;
    private readonly LagShape _shape;
    private readonly int _capacity;
    private readonly LaneArray _a;
    private readonly LaneArray _b;
    private readonly LaneArray _sums;
    private int _start;
    private int _filled;

    public LaneLagSums(LagShape shape)
    {
        _shape = shape;
        _capacity = 2 * shape.Longest + 8 * Chunk;
        _a = new LaneArray((shape.Rows + 1) * Chunk);
        _b = new LaneArray((shape.Columns + 1) * _capacity);
        _sums = new LaneArray(shape.Size);
        _start = shape.Longest;
    }

    /// <summary>Lays observables of the present sample, rows first, first + 1, ….</summary>
    public void Observe(LaneArray rows, int first, int count)
    {
        for (int i = 0; i < count; i++) _a.Vectors[(first + i) * Chunk + _filled] = rows.Vectors[i];
    }

    /// <summary>Lays fields B of the present sample, columns first, first + 1, ….</summary>
    public void Conjugate(LaneArray rows, int first, int count)
    {
        for (int j = 0; j < count; j++) _b.Vectors[(first + j) * _capacity + _start + _filled] = rows.Vectors[j];
    }

    /// <summary>The present sample is complete.</summary>
    public void Advance()
    {
        _a.Vectors[_shape.Rows * Chunk + _filled] = Vector512<double>.One;
        _b.Vectors[_shape.Columns * _capacity + _start + _filled] = Vector512<double>.One;
        if (++_filled == Chunk) Flush();
    }

    /// <summary>Adds the sums of one lane to a block.</summary>
    public void AddTo(double[] block, int lane)
    {
        Flush();
        for (int n = 0; n < block.Length; n++) block[n] += _sums[n, lane];
    }

    /// <summary>Begins a new block; earlier samples are still remembered.</summary>
    public void Clear()
    {
        Flush();
        _sums.Span.Clear();
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
        _sums.Dispose();
    }

    private void Flush()
    {
        if (_filled == 0) return;
        int columns = _shape.Columns + 1;
        var sums = _sums.Vectors;
        for (int lag = 0; lag <= _shape.Longest; lag++)
            for (int i = 0; i <= _shape.Rows; i++, sums += columns)
            {
                int j = 0;
                for (; j + 4 <= columns; j += 4) AddFour(sums + j, _a.Vectors + i * Chunk, _b.Vectors + j * _capacity + _start - lag);
                for (; j < columns; j++) AddOne(sums + j, _a.Vectors + i * Chunk, _b.Vectors + j * _capacity + _start - lag);
            }
        Move();
    }

    private void AddFour(Vector512<double>* sums, Vector512<double>* a, Vector512<double>* b)
    {
        Vector512<double> s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
        Vector512<double>* b1 = b + _capacity, b2 = b1 + _capacity, b3 = b2 + _capacity;
        for (int k = 0; k < _filled; k++)
        {
            var x = a[k];
            s0 += x * b[k];
            s1 += x * b1[k];
            s2 += x * b2[k];
            s3 += x * b3[k];
        }
        (sums[0], sums[1], sums[2], sums[3]) = (s0, s1, s2, s3);
    }

    private void AddOne(Vector512<double>* sum, Vector512<double>* a, Vector512<double>* b)
    {
        var s = *sum;
        for (int k = 0; k < _filled; k++) s += a[k] * b[k];
        *sum = s;
    }

    // Room for the next chunk: the last L samples slide to the front when the buffer is full.
    private void Move()
    {
        _start += _filled;
        _filled = 0;
        if (_start + Chunk <= _capacity) return;
        int keep = _shape.Longest;
        for (int j = 0; j <= _shape.Columns; j++)
            _b.Span.Slice((j * _capacity + _start - keep) * LaneArray.Lanes, keep * LaneArray.Lanes).CopyTo(_b.Span[(j * _capacity * LaneArray.Lanes)..]);
        _start = keep;
    }
}
