namespace Leith.Core;

/// <summary>
/// One step of unknowns on one lattice as code: u_i(t + h) at a site from the values of all unknowns and of standard normals at the site and of unknowns at its neighbours.
/// </summary>
/// <param name="Program">Outputs: one an unknown.</param>
/// <param name="Inputs">Where the inputs come from. Buffers are numbered: first the unknowns, then the white noises, which are read at the site itself.</param>
/// <param name="Noises">The first row of each white noise among the normals of a step.</param>
public sealed record LocalStep(PointwiseProgram Program, IReadOnlyList<PointwiseInput> Inputs, IReadOnlyList<int> Noises);
