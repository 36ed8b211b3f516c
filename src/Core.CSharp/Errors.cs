namespace Leith.Core;

/// <summary>An error of the numerical core that a user can cause. The message says what was expected, what came and what to do instead.</summary>
public sealed class LeithException : Exception
{
    /// <summary>An error with its message.</summary>
    public LeithException(string message) : base(message) { }

    /// <summary>An error with its message and the error that caused it.</summary>
    public LeithException(string message, Exception inner) : base(message, inner) { }

    /// <summary>The message alone, which is all that dotnet fsi prints of an error that leaves a script; with its stack trace where the command line says --debug.</summary>
    public override string ToString() => Environment.GetCommandLineArgs().Contains("--debug") ? base.ToString() : Message;
}
