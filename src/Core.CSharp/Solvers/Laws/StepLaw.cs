namespace Leith.Core;

/// <summary>The step laws, u(t) → u(t + h), each written once over <see cref="StepAlgebra"/>.</summary>
internal static class StepLaw
{
    /// <summary>The operations of one step of a scheme.</summary>
    public static StepAlgebra Record(Model model, Scheme scheme, double step)
    {
        var algebra = new StepAlgebra(model, step);
        algebra.Result = scheme switch
        {
            Scheme.EulerMaruyama => EulerMaruyama.Step(algebra, algebra.State),
            Scheme.Milstein => Milstein.Step(algebra, algebra.State),
            Scheme.Heun => Heun.Step(algebra, algebra.State),
            Scheme.RungeKutta4 => RungeKutta4.Step(algebra, algebra.State),
            Scheme.Exponential => Exponential.Step(algebra, algebra.State),
            Scheme.ExponentialRungeKutta4 => ExponentialRungeKutta4.Step(algebra, algebra.State),
            _ => WeakSecondOrder.Step(algebra, algebra.State),
        };
        return algebra;
    }
}
