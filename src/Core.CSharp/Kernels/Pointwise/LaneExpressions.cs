using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Leith.Core;

/// <summary>Operations on vectors of doubles as expressions, at one of the widths that there are: eight, four or two lanes. A row of eight lanes is one, two or four of these.</summary>
internal sealed class LaneExpressions
{
    private readonly Type operations;   // Vector512 and its like

    private LaneExpressions(Type lane, Type operations, int lanes) => (Lane, this.operations, Bytes) = (lane, operations, lanes * sizeof(double));

    /// <summary>The widest vectors that the machine has; two lanes, in software, where it has none.</summary>
    public static LaneExpressions Widest { get; } =
        Vector512.IsHardwareAccelerated ? new(typeof(Vector512<double>), typeof(Vector512), 8)
        : Vector256.IsHardwareAccelerated ? new(typeof(Vector256<double>), typeof(Vector256), 4)
        : new(typeof(Vector128<double>), typeof(Vector128), 2);

    /// <summary>The vector type.</summary>
    public Type Lane { get; }

    /// <summary>Bytes of a vector.</summary>
    public int Bytes { get; }

    /// <summary>The vector at an address.</summary>
    public Expression Load(Expression address) => Memory(nameof(LaneMath.Load), address);

    /// <summary>Writes the vector at an address.</summary>
    public Expression Store(Expression address, Expression value) => Memory(nameof(LaneMath.Store), address, value);

    /// <summary>A number in all lanes.</summary>
    public Expression Broadcast(Expression value) => Call(nameof(Vector512.Create), typeof(double), value);

    /// <summary>A number in all lanes.</summary>
    public Expression Broadcast(double value) => Broadcast(Expression.Constant(value));

    /// <summary>A function that there is one of for doubles, Vector512.Exp and its like.</summary>
    public Expression Call(string name, params Expression[] arguments) => Call(name, Lane, arguments);

    /// <summary>A function that is generic over elements, Vector512.Sqrt&lt;T&gt; and its like.</summary>
    public Expression Generic(string name, params Expression[] arguments)
    {
        var method = operations.GetMethods().Single(m => m.Name == name && m.IsGenericMethodDefinition && m.GetParameters().Length == arguments.Length);
        return Expression.Call(method.MakeGenericMethod(typeof(double)), arguments);
    }

    /// <summary>a b + c in one rounding.</summary>
    public Expression MultiplyAdd(Expression a, Expression b, Expression c) => Call(nameof(Vector512.FusedMultiplyAdd), a, b, c);

    /// <summary>a b − c in one rounding; the JIT does not fold a negation into FusedMultiplyAdd by itself.</summary>
    public Expression MultiplySubtract(Expression a, Expression b, Expression c) =>
        Native(nameof(Avx512F.FusedMultiplySubtract), nameof(Fma.MultiplySubtract), a, b, c) ?? MultiplyAdd(a, b, Expression.Negate(c));

    /// <summary>c − a b in one rounding.</summary>
    public Expression SubtractProduct(Expression a, Expression b, Expression c) =>
        Native(nameof(Avx512F.FusedMultiplyAddNegated), nameof(Fma.MultiplyAddNegated), a, b, c) ?? MultiplyAdd(Expression.Negate(a), b, c);

    private Expression? Native(string wide, string narrow, params Expression[] arguments)
    {
        var (supported, type, name) = Bytes == 64 ? (Avx512F.IsSupported, typeof(Avx512F), wide) : (Fma.IsSupported, typeof(Fma), narrow);
        return supported ? Expression.Call(type.GetMethod(name, [Lane, Lane, Lane])!, arguments) : null;
    }

    private MethodCallExpression Call(string name, Type argument, params Expression[] arguments) =>
        Expression.Call(operations.GetMethod(name, [.. arguments.Select(_ => argument)])!, arguments);

    private MethodCallExpression Memory(string name, params Expression[] arguments) =>
        Expression.Call(typeof(LaneMath).GetMethod(name)!.MakeGenericMethod(Lane), arguments);
}
