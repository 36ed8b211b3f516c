namespace Leith.Core;

/// <summary>What an instruction of a <see cref="PointwiseProgram"/> does.</summary>
public enum PointwiseCode
{
    /// <summary>r = input A.</summary>
    Load,
    /// <summary>r = Value.</summary>
    Constant,
    /// <summary>r = t.</summary>
    Time,
    /// <summary>r = r_A + r_B.</summary>
    Add,
    /// <summary>r = r_A − r_B.</summary>
    Subtract,
    /// <summary>r = r_A r_B.</summary>
    Multiply,
    /// <summary>r = r_A / r_B.</summary>
    Divide,
    /// <summary>r = −r_A.</summary>
    Negate,
    /// <summary>r = r_A^Value; NaN for a negative base and an exponent that is not an integer.</summary>
    Power,
    /// <summary>r = √r_A.</summary>
    Sqrt,
    /// <summary>r = e^{r_A}.</summary>
    Exp,
    /// <summary>r = ln r_A.</summary>
    Log,
    /// <summary>r = sin r_A.</summary>
    Sin,
    /// <summary>r = cos r_A.</summary>
    Cos,
    /// <summary>r = tanh r_A.</summary>
    Tanh,
    /// <summary>r = |r_A|.</summary>
    Abs,
    /// <summary>r = 1 where r_A &gt; 0, 0 elsewhere, NaN for NaN.</summary>
    Step,
}

/// <summary>One instruction; its result is the register with the instruction's own number.</summary>
/// <param name="Code">What it does.</param>
/// <param name="A">First register, or the input of a <see cref="PointwiseCode.Load"/>.</param>
/// <param name="B">Second register.</param>
/// <param name="Value">The constant, or the exponent of a <see cref="PointwiseCode.Power"/>.</param>
public readonly record struct PointwiseInstruction(PointwiseCode Code, int A = 0, int B = 0, double Value = 0)
{
    /// <summary>How many of A and B name registers.</summary>
    internal int Operands => Code switch
    {
        PointwiseCode.Load or PointwiseCode.Constant or PointwiseCode.Time => 0,
        PointwiseCode.Add or PointwiseCode.Subtract or PointwiseCode.Multiply or PointwiseCode.Divide => 2,
        _ => 1,
    };
}
