using System.Numerics;

namespace Leith.Core;

/// <summary>What a <see cref="Saver{T}"/> keeps of a field on a torus.</summary>
public enum SavedForm
{
    /// <summary>Scalar unknowns, or the real field: one number a row.</summary>
    Values,

    /// <summary>The unnormalised spectrum of each real field on a torus: real and imaginary part, two numbers a mode; one number a row elsewhere.</summary>
    Spectra,
}

/// <summary>
/// Keeps states in memory, [sample][member][row]: every thin-th sample of the first members. Pass <see cref="Open"/> to <see cref="Simulation.Run"/>.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class Saver<T> where T : unmanaged, INumberBase<T>
{
    private readonly Model model;
    private readonly long thin;
    private readonly int[]? opposite;       // [row]: that of −k, −1 where the row is no mode; null for values

    /// <summary>Room for what the plan will give.</summary>
    /// <param name="model">The model that is run.</param>
    /// <param name="plan">The plan that is run.</param>
    /// <param name="members">How many members to keep, the first ones; all of the plan's when null.</param>
    /// <param name="thin">Every thin-th sample is kept, the zeroth included.</param>
    /// <param name="form">Real fields or spectra.</param>
    /// <exception cref="LeithException">More members than there are, thinning below 1, more numbers than an array holds.</exception>
    public Saver(Model model, SamplingPlan plan, int? members = null, long thin = 1, SavedForm form = SavedForm.Values)
    {
        if (members is < 1 || members > plan.Members) throw new LeithException($"saved members: expected 1 to {plan.Members}, got {members}.");
        if (thin < 1) throw new LeithException($"thinning: expected every first, second, … sample, got every {thin}th.");
        (this.model, this.thin, Form, Members) = (model, thin, form, members ?? plan.Members);
        Samples = (plan.Samples + thin - 1) / thin;
        if (form == SavedForm.Spectra)
        {
            if (model.Segments.All(s => s.Representation != Representation.Modes))
                throw new LeithException("saved spectra: expected a field on a torus, got scalar unknowns. Save their values.");
            opposite = [.. model.Segments.SelectMany(s => Enumerable.Range(0, s.Rows).Select(k => s.Representation == Representation.Modes ? s.First + s.Grid!.Conjugate(k) : -1))];
        }
        Width = model.Rows + (opposite?.Count(o => o >= 0) ?? 0);
        if ((Int128)Samples * Members * Width > Array.MaxLength)
            throw new LeithException($"saved states: expected at most {Array.MaxLength} numbers, got {Samples} samples × {Members} members × {Width}. Keep fewer members, or thin the samples.");
        Values = new T[Samples * Members * Width];
    }

    /// <summary>Number of samples kept.</summary>
    public long Samples { get; }

    /// <summary>Number of members kept.</summary>
    public int Members { get; }

    /// <summary>Numbers of one state: rows, or twice the modes for spectra.</summary>
    public int Width { get; }

    /// <summary>Fields or spectra.</summary>
    public SavedForm Form { get; }

    /// <summary>[sample][member][row] in one array.</summary>
    public T[] Values { get; }

    /// <summary>One state.</summary>
    public ReadOnlySpan<T> State(long sample, int member) => Values.AsSpan(checked((int)((sample * Members + member) * Width)), Width);

    /// <summary>The sink of a tile.</summary>
    public ITileSink Open(int tile) => new TileSaver(this, tile);

    private sealed unsafe class TileSaver(Saver<T> saver, int tile) : ITileSink
    {
        private readonly int members = SamplingPlan.RealMembers(saver.Members, tile);
        private readonly (Segment Segment, LaneFft Fft)[] fields = saver.Form == SavedForm.Spectra
            ? []
            : [.. saver.model.Segments.Where(s => s.Representation == Representation.Modes).Select(s => (s, new LaneFft(s.Grid!)))];
        private readonly Tile scratch = new(saver.model.Rows);

        public void Sample(long index, double time, Tile state)
        {
            if (index % saver.thin != 0 || members == 0) return;
            bool real = fields.Length > 0;
            if (real) TileMath.Copy(state, scratch);
            foreach (var (segment, fft) in fields) fft.Inverse(scratch.A.Pointer + segment.First * LaneArray.Lanes, scratch.B.Pointer + segment.First * LaneArray.Lanes);
            for (int member = 0; member < members; member++)
            {
                long from = (index / saver.thin * saver.Members + tile * Tile.Members + member) * saver.Width;
                Write(real ? scratch : state, member, saver.Values.AsSpan((int)from, saver.Width));
            }
        }

        public void Finish()
        {
            foreach (var (_, fft) in fields) fft.Dispose();
            scratch.Dispose();
        }

        private void Write(Tile from, int member, Span<T> to)
        {
            int lane = member % LaneArray.Lanes;
            bool blockB = member >= LaneArray.Lanes;
            var block = blockB ? from.B : from.A;
            if (saver.opposite is not { } opposite)
                for (int row = 0; row < to.Length; row++) to[row] = T.CreateTruncating(block[row, lane]);
            else
                for (int k = 0, at = 0; k < opposite.Length; k++)
                {
                    if (opposite[k] < 0)
                    {
                        to[at++] = T.CreateTruncating(block[k, lane]);
                        continue;
                    }
                    Complex z = new(from.A[k, lane], from.B[k, lane]), w = new(from.A[opposite[k], lane], -from.B[opposite[k], lane]);
                    var value = blockB ? (z - w) / new Complex(0, 2) : (z + w) / 2;
                    to[at++] = T.CreateTruncating(value.Real);
                    to[at++] = T.CreateTruncating(value.Imaginary);
                }
        }
    }
}
