module Leith.Tests.Recording

open System
open System.Buffers.Binary
open System.IO
open System.Text
open FsCheck
open FsCheck.FSharp
open Leith.Core
open Xunit

let private withFile (extension: string) (content: byte[]) (action: string -> 'a) =
    let path = Path.Combine(Path.GetTempPath(), $"leith-{Guid.NewGuid():n}{extension}")
    File.WriteAllBytes(path, content)

    try
        action path
    finally
        File.Delete path

let private withText extension (lines: string list) action =
    withFile extension (Encoding.UTF8.GetBytes(String.Join("\n", lines))) action

/// The message of the error, which must hold every phrase.
let private fails (phrases: string list) (action: unit -> obj) =
    let error = Assert.Throws<LeithException>(fun () -> action () |> ignore)

    for phrase in phrases do
        Assert.Contains(phrase, error.Message)

// --- npy ---------------------------------------------------------------------------------------------------------

let private kinds = [ "f8"; "f4"; "f2"; "i8"; "i4"; "i2"; "i1"; "u8"; "u4"; "u2"; "u1" ]

/// One element as numpy stores it.
let private element (kind: string) big (value: double) =
    let little =
        match kind with
        | "f8" -> BitConverter.GetBytes value
        | "f4" -> BitConverter.GetBytes(float32 value)
        | "f2" -> BitConverter.GetBytes(Half.op_Explicit value: Half)
        | "i8" -> BitConverter.GetBytes(int64 value)
        | "i4" -> BitConverter.GetBytes(int32 value)
        | "i2" -> BitConverter.GetBytes(int16 value)
        | "i1" -> [| byte (sbyte value) |]
        | "u8" -> BitConverter.GetBytes(uint64 value)
        | "u4" -> BitConverter.GetBytes(uint32 value)
        | "u2" -> BitConverter.GetBytes(uint16 value)
        | _ -> [| byte value |]

    if big then Array.rev little else little

let private npy version (header: string) (data: byte[]) =
    let text = Encoding.UTF8.GetBytes header

    let length =
        if version = 1 then
            BitConverter.GetBytes(uint16 text.Length)
        else
            BitConverter.GetBytes(uint32 text.Length)

    Array.concat [
        [| 0x93uy |]
        Encoding.ASCII.GetBytes "NUMPY"
        [| byte version; 0uy |]
        length
        text
        data
    ]

let private python (shape: int[]) =
    match shape with
    | [| n |] -> $"({n},)"
    | _ -> "(" + String.Join(", ", shape) + ")"

/// Multi-indices of a shape, the last one fastest.
let rec private indices (shape: int list) =
    match shape with
    | [] -> [ [] ]
    | n :: rest -> [
        for i in 0 .. n - 1 do
            for tail in indices rest -> i :: tail
      ]

let private shapes =
    Gen.choose (0, 4) |> Gen.bind (fun rank -> Gen.arrayOfLength rank (Gen.choose (0, 4)))

[<Fact>]
let ``what is written in npy is read again, whatever the shape`` () =
    let cases = gen {
        let! shape = shapes

        let! values =
            Gen.arrayOfLength (Array.fold (*) 1 shape) (ArbMap.defaults |> ArbMap.generate<float>)

        return shape, values
    }

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest 200,
        Prop.forAll (Arb.fromGen cases) (fun (shape, values: float[]) ->
            withFile ".npy" [||] (fun path ->
                Npy.Write(path, ReadOnlySpan<float> values, ReadOnlySpan<int> shape)
                let double = Npy.Read path
                let narrow = values |> Array.map float32
                Npy.Write(path, ReadOnlySpan<float32> narrow, ReadOnlySpan<int> shape)
                let single = Npy.Read path

                double.Shape = shape
                && single.Shape = shape
                && Array.forall2 (fun (a: float) b -> a.Equals b) double.Values values
                && Array.forall2 (fun (a: float) b -> a.Equals(float b)) single.Values narrow))
    )

[<Fact>]
let ``npy files of every element type, byte order, index order, version and header style are read`` () =
    let cases = gen {
        let! shape = shapes
        let! kind = Gen.elements kinds

        let! big, fortran, tight =
            Gen.zip3 (Gen.elements [ true; false ]) (Gen.elements [ true; false ]) (Gen.elements [ true; false ])

        let! version = Gen.choose (1, 3)
        let! values = Gen.arrayOfLength (Array.fold (*) 1 shape) (Gen.choose (0, 100))
        return shape, kind, big, fortran, tight, version, values |> Array.map float
    }

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest 300,
        Prop.forAll (Arb.fromGen cases) (fun (shape, kind, big, fortran, tight, version, values) ->
            let mark =
                if kind.EndsWith '1' then "|"
                elif big then ">"
                else "<"

            let order = if fortran then "True" else "False"

            let header =
                if tight then
                    $"{{\"shape\":{python shape},\"fortran_order\":{order},\"descr\":\"{mark}{kind}\"}}\n"
                else
                    $"{{'descr': '{mark}{kind}', 'fortran_order': {order}, 'shape': {python shape}, }}          \n"

            let cells = List.zip (indices (List.ofArray shape)) (List.ofArray values)

            let stored =
                if fortran then
                    cells |> List.sortBy (fst >> List.rev)
                else
                    cells

            let data = stored |> List.map (snd >> element kind big) |> Array.concat

            withFile ".npy" (npy version header data) (fun path ->
                let array = Npy.Read path
                array.Shape = shape && array.Values = values))
    )

[<Fact>]
let ``an npy file that cannot be read says why`` () =
    let header descr shape =
        $"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"

    let read bytes phrases =
        withFile ".npy" bytes (fun path -> fails phrases (fun () -> Npy.Read path))

    fails [ "does not exist"; "/nowhere/x.npy" ] (fun () -> Npy.Read "/nowhere/x.npy")
    fails [ "expected a file, got a folder" ] (fun () -> Npy.Read(Path.GetTempPath()))
    read [||] [ "expected a .npy file"; "got an empty file" ]
    read (Encoding.ASCII.GetBytes "PK\003\004 some archive") [ "expected a .npy file"; "'PK\\x03\\x04 s'"; "numpy.save" ]
    read (npy 1 (header "'<f8'" "(3, 2)") (Array.zeroCreate 40)) [ "truncated"; "expected 48 bytes"; "(3, 2)"; "got 40" ]
    read (Array.truncate 40 (npy 1 (header "'<f8'" "(3,)") [||])) [ "truncated in its header"; "got 40" ]
    read (npy 1 (header "'<c16'" "(1,)") (Array.zeroCreate 16)) [ "real numbers"; "'<c16'"; "astype" ]
    read (npy 1 (header "[('a', '<f8'), ('b', '<f8')]" "(1,)") (Array.zeroCreate 16)) [ "real numbers"; "[('a', '<f8'), ('b', '<f8')]" ]
    read (npy 7 (header "'<f8'" "(1,)") (Array.zeroCreate 8)) [ "version 1, 2 or 3"; "version 7.0" ]
    read (npy 1 "{'descr': '<f8'}\n" [||]) [ "'fortran_order' and 'shape'" ]
    read (npy 1 (header "'<f8'" "(99999, 99999, 99999)") [||]) [ "shape of at most"; "(99999, 99999, 99999)" ]

    fails [ "as many values as the shape (2, 2) holds, got 3" ] (fun () ->
        Npy.Write(Path.GetTempFileName(), ReadOnlySpan [| 1.0; 2.0; 3.0 |], ReadOnlySpan [| 2; 2 |]))

[<Fact>]
let ``a failed write leaves nothing behind`` () =
    let folder = Directory.CreateTempSubdirectory "leith-"
    let target = Path.Combine(folder.FullName, "taken.npy")
    Directory.CreateDirectory target |> ignore
    fails [ "expected a place that can be written"; "taken.npy" ] (fun () -> Npy.Write(target, ReadOnlySpan [| 1.0 |], ReadOnlySpan [| 1 |]))
    Assert.Equal<string[]>([||], Directory.GetFiles folder.FullName)
    folder.Delete true

// --- tables of text ----------------------------------------------------------------------------------------------

[<Fact>]
let ``a table is read with any separator, with and without names`` () =
    let cases = gen {
        let! rows, columns = Gen.zip (Gen.choose (1, 6)) (Gen.choose (2, 5))

        let! values =
            Gen.arrayOfLength (rows * columns) (ArbMap.defaults |> ArbMap.generate<NormalFloat>)

        let! separator = Gen.elements [ ","; ";"; "\t"; "  "; " , "; " ;" ]
        let! names = Gen.elements [ None; Some false; Some true ]
        return values |> Array.map _.Get |> Array.chunkBySize columns, separator, names
    }

    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest 200,
        Prop.forAll (Arb.fromGen cases) (fun (rows: float[][], separator, names) ->
            let plain = [ for j in 1 .. rows[0].Length -> $"sst {j}, \"°C\"" ]

            let quoted =
                plain |> List.map (fun name -> "\"" + name.Replace("\"", "\"\"") + "\"")

            let bare = [ for j in 1 .. rows[0].Length -> $"sst_{j}" ]

            let header, expected =
                match names with
                | None -> [], None
                | Some true -> [ String.Join(separator, quoted) ], Some plain
                | Some false -> [ String.Join(separator, bare) ], Some bare

            let lines = [
                for row in rows -> String.Join(separator, row |> Array.map (fun x -> x.ToString "r"))
            ]

            withText ".csv" ("# a remark" :: header @ [ "" ] @ lines) (fun path ->
                let table = Csv.Read path
                table.Rows = rows && (table.Names |> Option.ofObj |> Option.map List.ofSeq) = expected))
    )

[<Fact>]
let ``a table that cannot be read names line and column`` () =
    let read lines phrases =
        withText ".csv" lines (fun path -> fails phrases (fun () -> Csv.Read path))

    read [ "a,b"; "1,2"; "3," ] [ "line 3, column 2"; "got an empty cell"; "Fill the gap" ]
    read [ "a,b"; "1,2"; "x3,4" ] [ "line 3, column 1"; "got 'x3'" ]
    read [ "1;2"; "3;4,5" ] [ "line 2, column 2"; "got '4,5'"; "decimals with a point" ]
    read [ "1,2,3"; "4,5" ] [ "line 2"; "expected 3 columns"; "got 2" ]
    read [ "time,2,3"; "4,5,6" ] [ "line 1, column 1"; "got 'time'"; "quote the names" ]
    read [ "\"a,b"; "1,2" ] [ "line 1"; "closing quote" ]
    read [ "a,b" ] [ "expected lines of numbers, got none" ]
    read [] [ "expected lines of numbers, got none" ]

// --- recordings --------------------------------------------------------------------------------------------------

[<Fact>]
let ``components and times find their axes`` () =
    let save (rows: float list list) (check: string -> unit) =
        withFile ".npy" [||] (fun path ->
            let flat = rows |> List.concat |> Array.ofList
            Npy.Write(path, ReadOnlySpan flat, ReadOnlySpan [| rows.Length; rows[0].Length |])
            check path)

    save [ [ 1.0; 2.0; 4.0 ]; [ 5.0; 5.0; 6.0 ] ] (fun path ->
        let guessed = Recording.Load path
        Assert.Equal<float[]>([| 5.0; 5.0; 6.0 |], guessed.Values[1])
        Assert.Equal<string>([ "x1"; "x2" ], guessed.Names)
        Assert.Contains("2 components of 3", Assert.Single guessed.Notes)
        let told = Recording.Load(path, RecordingLayout.TimeFirst, 0.5, [| "a"; "b"; "c" |])
        Assert.Equal<float[]>([| 2.0; 5.0 |], told.Values[1])
        Assert.Equal(0.5, told.Interval)
        Assert.Empty told.Notes)

    // A header speaks for the columns, though there are fewer lines than columns.
    withText ".csv" [ "a;b;c"; "1;2;3"; "2;1;9" ] (fun path ->
        let table = Recording.Load path
        Assert.Equal<string>([ "a"; "b"; "c" ], table.Names)
        Assert.Equal<float[]>([| 3.0; 9.0 |], table.Values[2]))

    withFile ".npy" [||] (fun path ->
        Npy.Write(path, ReadOnlySpan [| 1.0; 2.0; 3.0 |], ReadOnlySpan [| 3 |])
        Assert.Equal((1, 3), (Recording.Load(path).Components, Recording.Load(path).Samples)))

[<Fact>]
let ``a column of times is refused by its name and noted by its numbers`` () =
    let months = [ for i in 0..5 -> $"{1990.0 + float i / 12.0:F3},{sin (float i):F3}" ]

    for name in [ "time"; "T"; "Date"; "year"; "Month"; "time (days)"; "year_ad" ] do
        withText ".csv" ($"{name},north" :: months) (fun path ->
            fails [ path; $"got the column '{name}'"; "Remove it" ] (fun () -> Recording.Load path))

    // Such a name on what is no time, and names that only begin alike.
    let cycle = [ for i in 0..5 -> $"{1 + i % 3},{cos (float i):F3}" ]
    withText ".csv" ("month,north" :: cycle) (fun path -> Assert.Equal(2, Recording.Load(path).Components))

    let notes (path: string) =
        Recording.Load(path).Notes |> Seq.filter (fun note -> note.Contains "looks like time")

    withText ".csv" ("timely,north" :: months) (fun path ->
        let note = Assert.Single(notes path)
        Assert.Contains("component 1, 'timely', grows by 0.083", note))

    withText ".csv" months (fun path -> Assert.Contains("component 1 grows by", Assert.Single(notes path)))
    // Growing, but not evenly.
    withText ".csv" ("a,b" :: [ for i in 0..5 -> $"{i * i},{-i}" ]) (fun path -> Assert.Empty(notes path))

[<Fact>]
let ``a standardised recording has mean zero, variance one, and goes back`` () =
    Check.One(
        Config.QuickThrowOnFailure.WithMaxTest 100,
        Prop.forAll (Arb.fromGen (Gen.zip3 (Gen.choose (2, 50)) (Gen.choose (-1000, 1000)) (Gen.choose (1, 1000)))) (fun (samples, offset, size) ->
            let series =
                Array.init samples (fun n -> float offset + float size * sin (float (n * n) + 0.3))

            let struct (scaled, means, scales) =
                Recording([| "a" |], [| series |], 1.0).Standardised()

            let z = scaled.Values[0]

            abs (Array.average z) < 1e-12
            && abs (Array.averageBy (fun x -> x * x) z - 1.0) < 1e-12
            && Array.forall2 (fun x z -> abs (means[0] + scales[0] * z - x) < 1e-9 * (1.0 + abs x)) series z)
    )

[<Fact>]
let ``a recording that cannot be used says which component and where`` () =
    let names = [| "north"; "south" |]

    let check values phrases =
        fails phrases (fun () -> Recording(names, values, 1.0).Check())

    check [| [| 1.0; nan; 2.0 |]; [| 0.0; 1.0; infinity |] |] [
        "got 2 that are not"
        "NaN in 'north' at index 1"
        "infinity in 'south' at index 2"
    ]

    check [| [| nan; nan; nan; nan; 1.0 |]; [| 0.0; 1.0; 2.0; 3.0; 4.0 |] |] [ "got 4"; "index 2, …" ]
    check [| [| 1.0; 3.0; 2.0 |]; [| 300.1; 300.1; 300.1 |] |] [ "constant 'south' (always 300.1)"; "singular"; "Leave that component out" ]
    check [| [| 1.0; 3.0; 2.0 |]; [| 1.0; 2.0 |] |] [ "expected 3 samples"; "got 2 of 'south'" ]
    check [||] [ "got 0 components" ]
    fails [ "positive time between samples, got -1" ] (fun () -> Recording([| "a" |], [| [| 1.0; 2.0 |] |], -1.0).Check())
    fails [ "expected 1 names"; "got 2 (north, south)" ] (fun () -> Recording(names, [| [| 1.0; 2.0 |] |], 1.0).Check())

    fails [ "more samples than lags"; "got 2 samples"; "up to 2 samples" ] (fun () ->
        LagProducts.Of(Recording([| "a" |], [| [| 1.0; 2.0 |] |], 1.0), 2))

    withFile ".npy" [||] (fun path ->
        Npy.Write(path, ReadOnlySpan(Array.init 24 float), ReadOnlySpan [| 2; 3; 4 |])
        fails [ "one or two dimensions"; "got 3 with shape (2, 3, 4)"; path ] (fun () -> Recording.Load path)
        Npy.Write(path, ReadOnlySpan [| 1.0; nan; 3.0 |], ReadOnlySpan [| 3 |])
        fails [ path; "NaN in 'x1' at index 1" ] (fun () -> Recording.Load path)
        Npy.Write(path, ReadOnlySpan [| 1.0; 2.0; 3.0 |], ReadOnlySpan [| 3 |])
        fails [ "expected 1 names"; "got 2"; "the other layout" ] (fun () -> Recording.Load(path, names = names)))

    fails [ "does not exist" ] (fun () -> Recording.Load "missing.npy")
