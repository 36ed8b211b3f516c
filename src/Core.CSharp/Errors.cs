namespace Leith.Core;

/// <summary>An error of the numerical core that a user can cause. The message says what was expected, what came and what to do instead.</summary>
public sealed class LeithException : Exception
{
    /// <summary>An error with its message.</summary>
    public LeithException(string message) : base(message) { }

    /// <summary>An error with its message and the error that caused it.</summary>
    public LeithException(string message, Exception inner) : base(message, inner) { }
}
