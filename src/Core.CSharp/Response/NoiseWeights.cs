namespace Leith.Core;

/// <summary>
/// Responses from the noise itself: for a chain u_{n+1} = Φ(u_n) + ξ_n, ξ ~ N(0, Q), the weights B_{n+1} = K B_n + (I − K Φ′(u_n)ᵀ) Q⁻¹ ξ_n, with any stable K, give
/// R(t) = ⟨A(u(t)) B(0)ᵀ⟩ exactly, at every lag: no twin, no fit, one run. −B stands where a score would.
/// </summary>
/// <remarks>
/// The state of <see cref="Simulation"/> has u in its first rows and B in as many after them, in the same representation; a pair of maps takes them apart.
/// Weights start from zero and forget that as Kⁿ. Additive noise that reaches every mode, stationary states; schemes that add their noise once, after the last stage.
/// </remarks>
public sealed class NoiseWeights
{
    private readonly Scheme scheme;
    private readonly double step;
    private readonly Func<IPairMap>? transposed;
    private readonly NoiseWeightDecay decay;

    /// <summary>The weights of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="scheme">How it is stepped.</param>
    /// <param name="step">h.</param>
    /// <param name="transposed">Makes w ↦ N′(u, t)ᵀ w, the transposed tangent of the nonlinear part (state u, other w), in plain sums over sites or unknowns; null when the drift is linear.</param>
    /// <param name="decay">K.</param>
    /// <exception cref="LeithException">Noise that depends on the state or leaves a mode or direction out; a scheme whose noise enters before its last stage; a nonlinear drift without its tangent.</exception>
    public NoiseWeights(Model model, Scheme scheme, double step, Func<IPairMap>? transposed, NoiseWeightDecay decay)
    {
        Check(model, scheme, transposed);
        (Model, this.scheme, this.step, this.transposed, this.decay) = (model, scheme, step, transposed, decay);
    }

    /// <summary>The model, without the weights.</summary>
    public Model Model { get; }

    /// <summary>Time after which weights that started from zero are stationary to one part in a million, in whole steps.</summary>
    public double SpinUp => Math.Ceiling(14 / decay.SlowestRate / step) * step;

    /// <summary>Takes u out of the state.</summary>
    public Func<ITileMap> State => () => new Rows(0, 1);

    /// <summary>Takes −B out of the state, which stands where a score would: <see cref="SpectralResponse.FromScore"/>, <see cref="SpectralResponse.Controlled"/>, <see cref="VectorResponse.FromScore"/>.</summary>
    public Func<ITileMap> Score => () => new Rows(Model.Rows, -1);

    /// <summary>The observable of u alone as a map of the whole state; null takes u itself.</summary>
    public Func<ITileMap> Observable(Func<ITileMap>? observable) => observable is null ? State : () => new Chain(new Rows(0, 1), Model.Rows, observable());

    /// <summary>Refuses what has no weights.</summary>
    /// <exception cref="LeithException">As the constructor.</exception>
    public static void Check(Model model, Scheme scheme, Func<IPairMap>? transposed)
    {
        StepNoise.Require(model);
        StepTangent.Require(model, scheme);
        if (model.Nonlinear is not null && transposed is null)
            throw new LeithException("noise weights: expected the transposed tangent of the nonlinear drift, got none. Give it, or take twin runs.");
    }

    /// <summary>A simulation of u with its weights.</summary>
    /// <param name="seed">Seed of the noise: u is then the u of the plain simulation of that seed.</param>
    /// <param name="initial">Fills a tile of u alone before the first step; zeros when null.</param>
    /// <param name="firstStep">Number of the first step.</param>
    public Simulation Simulation(ulong seed, Action<Tile>? initial = null, long firstStep = 0) => Make(seed, initial is null ? null : tile => Upper(initial, tile), firstStep);

    /// <summary>The same, from states that such a simulation left.</summary>
    public Simulation Continue(ulong seed, IReadOnlyList<Tile> states, long firstStep) => Make(seed, InitialState.Copies(states), firstStep);

    private Simulation Make(ulong seed, Action<Tile>? initial, long firstStep) => new(Model, scheme, step, seed)
    {
        Rows = 2 * Model.Rows,
        Stepper = () => new NoiseWeightStepper(Model, scheme, step, transposed, decay.Map),
        Initial = initial,
        FirstStep = firstStep,
    };

    private void Upper(Action<Tile> initial, Tile tile)
    {
        using var u = new Tile(Model.Rows, tile.Index);
        initial(u);
        u.A.Span.CopyTo(tile.A.Span);
        u.B.Span.CopyTo(tile.B.Span);
    }

    // result ← factor × rows of the state from the first on.
    private sealed class Rows(int first, double factor) : ITileMap
    {
        public void Apply(Tile state, double time, Tile result)
        {
            int from = first * LaneArray.Lanes, count = result.A.Span.Length;
            state.A.Span.Slice(from, count).CopyTo(result.A.Span);
            state.B.Span.Slice(from, count).CopyTo(result.B.Span);
            if (factor != 1) TileMath.Scale(result, factor);
        }

        public void Dispose() { }
    }
}
