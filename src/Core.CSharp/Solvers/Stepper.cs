namespace Leith.Core;

/// <summary>The law of one step. An instance owns its workspace and serves one thread; it knows no loop, no thread and no source of noise.</summary>
internal interface IStepper : IDisposable
{
    /// <summary>Rows of standard normals that a step takes.</summary>
    int Normals { get; }

    /// <summary>u(t) → u(t + h), in place.</summary>
    /// <param name="state">The members.</param>
    /// <param name="time">t.</param>
    /// <param name="normals">Standard normals, one a row and member; on a torus block A has those of the real and block B those of the imaginary part. Not changed.</param>
    void Step(Tile state, double time, Tile normals);
}

/// <summary>Makes steppers.</summary>
internal static class Stepper
{
    /// <summary>One instance for one thread.</summary>
    public static IStepper Make(Model model, Scheme scheme, double step)
    {
        if (scheme == Scheme.EulerMaruyama && model.LocalEuler is { } local) return new LocalMachine(model, local(step), step);
        return ScalarMachine.TryMake(model, scheme, step) ?? (IStepper)new TileMachine(model, scheme, step);
    }

    /// <summary>Normals whose signs are the two-point variables of the weak second-order law, one a pair of white noises.</summary>
    public static int Signs(Model model, Scheme scheme)
    {
        int noises = model.AdditiveNormals + model.MultiplicativeRows;
        return scheme == Scheme.WeakSecondOrder && !model.HasFields ? noises * (noises - 1) / 2 : 0;
    }
}
