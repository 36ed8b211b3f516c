using System.Numerics;
using Leith.Core;
using Microsoft.FSharp.Collections;
using static Leith.FieldWords;
using static Leith.NoiseWords;
using static Leith.StepWords;
using static Leith.VectorWords;

namespace Leith.Benchmarks.Kernels;

/// <summary>Steps of equations in the words of scripts: Allen–Cahn on a lattice, the vorticity equation, a barotropic model of six modes.</summary>
internal static class EquationRates
{
    private const int FieldMembers = 64, ScalarMembers = 1024;

    public static IEnumerable<Measurement> All(int threads) =>
    [
        new("lattice-noise", $"Allen–Cahn, 32 × 32 lattice, Euler–Maruyama, white noise, {threads} threads", "ns a site, member and step", () => Lattice(0.2, threads)),
        new("lattice-quiet", $"the same without noise, {threads} threads", "ns a site, member and step", () => Lattice(0, threads)),
        new("vorticity-32", $"vorticity equation 32 × 32, Runge–Kutta 4, {threads} threads", "µs a member and step", () => Rate(Vorticity(32), FieldMembers, 100, threads) * 1e6),
        new("vorticity-64", $"vorticity equation 64 × 64, Runge–Kutta 4, {threads} threads", "µs a member and step", () => Rate(Vorticity(64), FieldMembers, 50, threads) * 1e6),
        new("barotropic-noise", "barotropic model, Runge–Kutta 4, white noise, one thread", "ns a member and step", () => Rate(Barotropic(0.05), ScalarMembers, 500, 1) * 1e9),
        new("barotropic-quiet", "the same without noise, one thread", "ns a member and step", () => Rate(Barotropic(0), ScalarMembers, 500, 1) * 1e9),
    ];

    /// <summary>du = (D Δu + u − u³ − c·∇u) dt + σ dW.</summary>
    public static Simulation AllenCahn(int n, double sigma)
    {
        var u = field("u", lattice(torus(n, n)));
        return Make(eulerMaruyama(0.01), perSite(sigma), 0.5, new Equation(u, 0.5 * lap(u) + u - cube(u) - 0.3 * dx(u) - 0.1 * dy(u)));
    }

    /// <summary>∂w/∂t = −v·∇w + ν Δw, v the rotated gradient of ψ with −Δψ = w.</summary>
    public static Simulation Vorticity(int n)
    {
        var u = field("w", torus(2 * Math.PI, n));
        return Make(rk4(1e-3), perSite(0), 0.1, new Equation(u, -advection(rotatedGrad(-inverseLap(u)), u) + 1e-3 * lap(u)));
    }

    /// <summary>Six modes in a channel with orography, as in Peers/barotropic.c.</summary>
    public static Simulation Barotropic(double sigma)
    {
        const double b = 0.5, beta = 1.25, gamma = 0.2, c = 0.1;
        double root = Math.Sqrt(2), e = 16 * root / (5 * Math.PI);
        (double A, double B, double D, double G, double Gs) Of(double m)
        {
            double m2 = m * m, odd = 4 * m2 - 1, sum = b * b + m2;
            return (8 * root / Math.PI * m2 / odd * (sum - 1) / sum, beta * b * b / sum, 64 * root / (15 * Math.PI) * (b * b - m2 + 1) / sum,
                gamma * 4 * m2 * m / odd * root * b / (Math.PI * sum), gamma * 4 * m / odd * root * b / Math.PI);
        }
        var (p, q) = (Of(1), Of(2));
        Field[] x = [.. Enumerable.Range(1, 6).Select(i => scalar($"x{i}"))];
        return Make(rk4(0.05), perSite(sigma), 0.1,
            new Equation(x[0], p.Gs * x[2] - c * (x[0] - 0.95)),
            new Equation(x[1], -(p.A * x[0] - p.B) * x[2] - c * x[1] - p.D * x[3] * x[5]),
            new Equation(x[2], (p.A * x[0] - p.B) * x[1] - p.G * x[0] - c * x[2] + p.D * x[3] * x[4]),
            new Equation(x[3], q.Gs * x[5] - c * (x[3] - -0.76095) + e * (x[1] * x[5] - x[2] * x[4])),
            new Equation(x[4], -(q.A * x[0] - q.B) * x[5] - c * x[4] - q.D * x[3] * x[2]),
            new Equation(x[5], (q.A * x[0] - q.B) * x[4] - q.G * x[3] - c * x[5] + q.D * x[3] * x[1]));
    }

    /// <summary>Seconds a member and step: the median of nine runs beyond a first one.</summary>
    public static double Rate(Simulation simulation, int members, int steps, int threads)
    {
        double h = simulation.Step;
        List<double> found = [];
        for (int run = 0; run < 10; run++)
        {
            // set-up and the first steps are left out: the difference of a long and a short run
            double Of(int n) => Measurement.Seconds(() => simulation.Run(new SamplingPlan(members, n * h, h, h), _ => new Fork([]), threads, null, CancellationToken.None));
            double brief = Of(1), whole = Of(steps + 1);
            if (run > 0) found.Add((whole - brief) / steps / members);
        }
        return Measurement.Median(found);
    }

    private static double Lattice(double sigma, int threads) => Rate(AllenCahn(32, sigma), FieldMembers, 2000, threads) * 1e9 / 1024;

    private static Simulation Make(Step step, Noise noise, double spread, params Equation[] equations)
    {
        var model = Lower.systemFor(step, ListModule.OfSeq(equations), noise);
        return new Simulation(model, step.Scheme, step.Size, 1, allowUnstable: true) { Initial = tile => Start(model, tile, spread) };
    }

    // smooth in space, different from member to member
    private static void Start(Model model, Tile tile, double spread)
    {
        foreach (var segment in model.Segments)
        {
            if (segment.Representation == Representation.Modes)
            {
                foreach (int mode in new[] { 1, 2, segment.Grid!.Points[^1] + 1, 2 * segment.Grid.Points[^1] })
                    foreach (int m in new[] { mode, segment.Grid.Conjugate(mode) })
                        for (int lane = 0; lane < LaneArray.Lanes; lane++) tile.A[m, lane] = tile.B[m, lane] = segment.Grid.Sites * (0.5 + 0.01 * lane);
                continue;
            }
            for (int row = segment.First; row < segment.End; row++)
                for (int lane = 0; lane < LaneArray.Lanes; lane++)
                    (tile.A[row, lane], tile.B[row, lane]) = (spread * Math.Sin(0.3 * row + lane), spread * Math.Cos(0.2 * row + lane));
        }
    }
}
