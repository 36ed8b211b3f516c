namespace Leith.Core;

/// <summary>Whether the columns of noise commute, (S_j · ∂) S_r = (S_r · ∂) S_j: Milstein's law needs no double integrals then.</summary>
internal static class NoiseCommutation
{
    /// <summary>S(u, t) w of scalar unknowns as code, additive noise first; inputs are the rows and those of w. Null where there is no noise.</summary>
    public static PointwiseProgram? Program(Model model)
    {
        int additive = model.AdditiveNormals, rows = model.Rows, noises = additive + model.MultiplicativeRows;
        if (noises == 0) return null;
        var code = new PointwiseBuilder(rows + noises);
        int[] u = [.. Enumerable.Range(0, rows).Select(code.Load)], w = [.. Enumerable.Range(rows, noises).Select(code.Load)];
        int[] sum = model.ScalarNoise is { } noise ? code.Inline(noise, [.. u, .. w[additive..]], code.Time) : [.. u.Select(_ => code.Constant(0))];
        for (int row = 0; row < rows; row++)
            for (int j = 0; j < additive; j++) sum[row] = code.Add(sum[row], code.Scale(model.NoiseMatrix![row, j], w[j]));
        return code.Build(sum);
    }

    /// <summary>Whether it holds: symbolically, or to rounding at sixteen points drawn around 0.</summary>
    public static bool Holds(Model model)
    {
        if (!model.IsMultiplicative) return true;
        if (model.HasFields || model.ScalarNoise is null) return model.Milstein is not null;
        var noise = Program(model)!;
        int rows = model.Rows, noises = noise.Inputs - rows;
        var code = new PointwiseBuilder(rows);
        int[] u = [.. Enumerable.Range(0, rows).Select(code.Load)];
        int[][] unit = [.. Enumerable.Range(0, noises).Select(j => Enumerable.Range(0, noises).Select(k => code.Constant(k == j ? 1 : 0)).ToArray())];
        int[][] column = [.. unit.Select(w => code.Inline(noise, [.. u, .. w], code.Time))];
        List<int> pairs = [];
        for (int j = 0; j < noises; j++)
            for (int r = 0; r < j; r++)
            {
                int[] one = Along(column[j], unit[r]), two = Along(column[r], unit[j]);
                for (int row = 0; row < rows; row++)
                    if (one[row] != two[row]) pairs.AddRange([one[row], two[row]]);
            }
        return pairs.Count == 0 || Equal(code.Build(pairs), rows);

        int[] Along(int[] b, int[] w) => code.Tangent(noise, [.. u, .. w], [.. b, .. unit[0].Select(_ => code.Constant(0))], code.Time);
    }

    private static bool Equal(PointwiseProgram pairs, int rows)
    {
        var source = new Random(1);
        for (int point = 0; point < 16; point++)
        {
            double[] values = pairs.Evaluate([.. Enumerable.Range(0, rows).Select(_ => 4 * source.NextDouble() - 2)], source.NextDouble());
            for (int i = 0; i < values.Length; i += 2)
                if (Math.Abs(values[i] - values[i + 1]) > 1e-9 * (Math.Abs(values[i]) + Math.Abs(values[i + 1]))) return false;
        }
        return true;
    }
}
