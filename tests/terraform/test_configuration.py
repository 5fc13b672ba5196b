"""Blocks and references of a configuration, by file and line; never a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.configuration import Configuration, ConfigurationReference
from replank.inventory.terraform.configuration.modules import parse_file
from replank.inventory.terraform.configuration.parsed import Mention, ParsedFile
from replank.transports.terraform.configuration import read_configuration

X = "openstack_x_v2"


def parsed(text: str, name: str = "main.tf") -> ParsedFile:
    found = parse_file(name, text.encode())
    assert is_known(found), found
    return found


def said(found: Mention) -> str:
    """`line inside argument: type.name[key].attribute`."""
    key = {"": "", "key": f"[{found.index!r}]"}.get(found.key, f"[{found.key}]")
    attribute = "".join(f".{step}" for step in found.attribute)
    more = "…" if found.more else ""
    address = ".".join(p for p in (found.module, found.type.removeprefix("openstack_"), found.name) if p)
    return f"{found.line} {found.inside} {found.argument}: {address}{key}{attribute}{more}"


def mentions(text: str, name: str = "main.tf") -> list[str]:
    return [said(m) for m in parsed(text, name).mentions]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("openstack_x.y.id", ["x.y.id"]),
        ("openstack_x.y[0].id", ["x.y[0].id"]),
        ("openstack_x.y.0.id", ["x.y[0].id"]),
        ('openstack_x.y["a.b"].id', ["x.y['a.b'].id"]),
        ("openstack_x.y[count.index].id", ["x.y[count.index].id"]),
        ("openstack_x.y[each.key].id", ["x.y[each.key].id"]),
        ("openstack_x.y[*].id", ["x.y[every].id"]),
        ("openstack_x.y.*.id", ["x.y[every].id"]),
        ("openstack_x.y[var.a[0]].id", ["x.y[expression].id"]),
        ('openstack_x.y["k-${openstack_z.w.id}"].id', ["z.w.id", "x.y[expression].id"]),
        ("openstack_x.y[openstack_z.w.name].id", ["z.w.name", "x.y[expression].id"]),
        ("openstack_x.y.network[0].port", ["x.y.network.0.port"]),
        ("openstack_x.y.network[*].port", ["x.y.network…"]),
        ("openstack_x.y", ["x.y"]),
        ("[for m in openstack_x.y : m.id]", ["x.y"]),
        ("{ for k, m in openstack_x.y : k => m.id if m.id != openstack_z.w.id }", ["x.y", "z.w.id"]),
        ("-openstack_x.y.n + openstack_z.w.n", ["x.y.n", "z.w.n"]),
        ("openstack_x.y.a ? openstack_x.y.b : openstack_x.y.c", ["x.y.a", "x.y.b", "x.y.c"]),
        ('"a${openstack_x.y.id}b%{ if openstack_z.w.on ~}c%{ endif }"', ["x.y.id", "z.w.on"]),
        ('"$${openstack_x.y.id} %%{if}"', []),
        ('"openstack_x.y.id"', []),
        ("jsonencode({ (openstack_x.y.id) = openstack_z.w.id })", ["x.y.id", "z.w.id"]),
        ("provider::p::f(openstack_x.y.id)", ["x.y.id"]),
        ("merge([openstack_x.y.tags]...)", ["x.y.tags"]),
        ("(openstack_x.y).id", ["x.y"]),
        ("data.openstack_x.y.id", []),
        ("module.a.openstack_x", []),
        ("aws_instance.y.id", []),
        ("openstack_x /* which */ .y.id", ["x.y.id"]),
    ],
)
def test_every_way_to_name_a_resource_is_found(expression: str, found: list[str]) -> None:
    said_of = [text.partition(": ")[2] for text in mentions(f"locals {{\n  a = {expression}\n}}\n")]
    assert sorted(said_of) == sorted(found)


def test_heredocs_are_texts_and_templates_not_configuration() -> None:
    text = (
        'resource "openstack_x_v2" "a" {\n  user_data = <<-EOT\n    # openstack_x_v2.no.id\n'
        '    echo "unclosed ${openstack_x_v2.b.id} \\\n    } resource "openstack_x_v2" "no" {\n'
        "    FAKE_EOT $${openstack_x_v2.no.id}\n  EOT  \n  b = openstack_x_v2.c.id\n}\n"
    )
    assert [(b.name, b.first_line, b.last_line) for b in parsed(text).blocks] == [("a", 1, 9)]
    assert mentions(text) == [
        "4 openstack_x_v2.a user_data: x_v2.b.id",
        "8 openstack_x_v2.a b: x_v2.c.id",
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_comments_line_ends_and_a_byte_order_mark(ending: str, begin: str) -> None:
    lines = [
        '/* resource "openstack_x_v2" "no" {',
        " */",
        '# resource "openstack_x_v2" "no" {',
        "// }",
        'resource "openstack_x_v2" "yes" { # }',
        "  count = /* } */ 2",
        "  list = [ # openstack_x_v2.no.id",
        "    openstack_x_v2.b.id, // c",
        "  ]",
        "}",
        'resource openstack_x_v2 bare { for_each = toset(["a"]) }',
    ]
    found = parsed(begin + ending.join(lines))
    assert [(b.name, b.first_line, b.last_line, b.repeated) for b in found.blocks] == [
        ("yes", 5, 10, "count"),
        ("bare", 11, 11, "for_each"),
    ]
    assert [said(m) for m in found.mentions] == ["8 openstack_x_v2.yes list: x_v2.b.id"]
    assert found.lines == 11


def test_what_a_reference_stands_in_is_told() -> None:
    text = """
resource "openstack_x_v2" "a" {
  provider = openstack.eu
  network {
    port = openstack_p_v2.a[count.index].id
  }
  dynamic "hints" {
    for_each = openstack_g_v2.a[*]
    content {
      group = openstack_g_v2.a[0].id
    }
  }
  lifecycle {
    replace_triggered_by = [openstack_x_v2.b]
  }
  depends_on = [openstack_x_v2.c]
}
data "openstack_y_v2" "b" { id = openstack_x_v2.a.id }
module "m" {
  source = "./m"
  server = openstack_x_v2.a.id
}
output "o" { value = openstack_x_v2.a.id }
locals { l = openstack_x_v2.a.id }
variable "v" { default = "openstack_x_v2.a.id" }
provider "p" { host = openstack_x_v2.a.ip }
check "c" {
  assert {
    condition = openstack_x_v2.a.id != ""
    error_message = ""
  }
}
"""
    assert mentions(text) == [
        "5 openstack_x_v2.a network.port: p_v2.a[count.index].id",
        "8 openstack_x_v2.a hints.for_each: g_v2.a[every]",
        "10 openstack_x_v2.a hints.group: g_v2.a[0].id",
        "14 openstack_x_v2.a lifecycle.replace_triggered_by: x_v2.b",
        "16 openstack_x_v2.a depends_on: x_v2.c",
        "18 data.openstack_y_v2.b id: x_v2.a.id",
        "21 module.m server: x_v2.a.id",
        "23 output.o value: x_v2.a.id",
        "24 local.l : x_v2.a.id",
        "26 provider.p host: x_v2.a.ip",
        "29 check.c assert.condition: x_v2.a.id",
    ]


def test_blocks_that_hold_addresses_name_child_modules_too() -> None:
    text = """
moved {
  from = openstack_x_v2.a
  to   = module.m["k"].module.n[0].openstack_x_v2.a["z"]
}
removed {
  from = module.m.openstack_x_v2.b
  lifecycle { destroy = false }
}
import {
  to = openstack_x_v2.c[1]
  id = "1"
}
"""
    assert mentions(text) == [
        "3 moved from: x_v2.a",
        "4 moved to: module.m.module.n.x_v2.a['z']",
        "7 removed from: module.m.x_v2.b",
        "11 import to: x_v2.c[1]",
    ]


JSON = {
    "//": "${openstack_x_v2.no.id}",
    "resource": [
        {
            "openstack_x_v2": {
                "a": {
                    "count": 2,
                    "name": 'a "${openstack_p_v2.a["k"].id}" \u00e9 \b $${openstack_x_v2.no.id}',
                    "network": [{"port": "${openstack_p_v2.a[count.index].id}"}],
                    "depends_on": ["openstack_x_v2.b"],
                }
            }
        }
    ],
    "module": {"m": {"source": "../m"}},
    "output": {"o": {"value": "openstack_x_v2.a is no template"}},
    "moved": [{"from": "openstack_x_v2.c", "to": "module.m.openstack_x_v2.c"}],
    "locals": {"${openstack_x_v2.a[0].id}": 1, "l": "${openstack_x_v2.a[*].id}"},
}


def test_json_syntax_says_the_same() -> None:
    text = json.dumps(JSON, indent=1)
    found = parsed(text, "main.tf.json")
    lines = text.splitlines()
    [block] = found.blocks
    assert (block.type, block.name, block.repeated) == (X, "a", "count")
    assert (lines[block.first_line - 1].strip(), lines[block.last_line - 1].strip()) == ('"a": {', "}")
    assert [(m.name, m.source) for m in found.modules] == [("m", "../m")]
    assert [said(m).partition(" ")[2] for m in found.mentions] == [
        "openstack_x_v2.a name: p_v2.a['k'].id",
        "openstack_x_v2.a network.port: p_v2.a[count.index].id",
        "openstack_x_v2.a depends_on: x_v2.b",
        "moved from: x_v2.c",
        "moved to: module.m.x_v2.c",
        "local.l : x_v2.a[every].id",
    ]
    assert all(m.name in lines[m.line - 1] for m in found.mentions)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.tf", 'resource "a" "b" {\n x = 1\n', 2),
        ("a.tf", "locals {\n x = 1\n}\nlocals {\n x = = 1\n}\n", 5),
        ("a.tf.json", '{\n "a": 1,\n}', 3),
        ("a.tf.json", "[]", 1),
        ("a.tf.json", '{"a": 1} // {}', 1),
    ],
)
def test_what_is_no_configuration_is_unknown_by_line_and_quotes_nothing(
    name: str, text: str, line: int
) -> None:
    found = parse_file(name, text.encode())
    assert isinstance(found, Unknown)
    assert found.code == "RP960"
    assert abs(int(found.unknown.split()[1]) - line) <= 1


def test_depth_is_unknown_not_a_crash() -> None:
    deep = "locals {\n a = " + "[" * 20000 + "]" * 20000 + "\n}\n"
    assert isinstance(parse_file("a.tf", deep.encode()), Unknown)
    assert isinstance(parse_file("a.tf.json", b'{"a":' * 20000 + b"1" + b"}" * 20000), Unknown)


@given(st.binary(max_size=400) | st.text(alphabet='resource"{}[]$%<>-EOT\n\\/*#=.a_ 0', max_size=400))
def test_any_bytes_are_a_file_or_unknown(data: bytes | str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    for name in ("a.tf", "a.tf.json"):
        assert isinstance(parse_file(name, raw), ParsedFile | Unknown)


WORD = st.text(alphabet='abcXYZ09 ${}"\\\n#%/*[]é', max_size=12)


@given(st.lists(st.tuples(WORD, WORD, st.sampled_from(["", "# {\n", "/* } */\n", "\n\n"])), max_size=6))
def test_places_are_true_whatever_stands_between(parts: list[tuple[str, str, str]]) -> None:
    text = ""
    wanted = []
    for number, (value, heredoc, between) in enumerate(parts):
        quoted = json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
        body = "".join(f"  |{line}\n" for line in heredoc.splitlines() or [""])
        body = body.replace("${", "$${").replace("%{", "%%{")
        text += between
        first = text.count("\n") + 1
        text += f'resource "{X}" "r{number}" {{\n  a = {quoted}\n  b = <<-END\n{body}  END\n'
        text += f"  c = {X}.r{number}.id\n}}\n"
        wanted.append((f"r{number}", first, text.count("\n")))
    assume("$$${" not in text and "%%%{" not in text)  # two ways to read it, in HCL itself
    found = parsed(text)
    assert [(b.name, b.first_line, b.last_line) for b in found.blocks] == wanted
    assert [(m.name, m.line) for m in found.mentions] == [(n, last - 1) for n, _, last in wanted]


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_tf", ".tf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(folder: Path, workspace: str = "default") -> Configuration:
    found = read_configuration(folder, workspace=workspace)
    assert found is not None
    return found


def test_local_modules_are_read_as_often_as_they_are_called(tmp_path: Path) -> None:
    root = tmp_path / "live"
    put(
        root,
        main_tf='module "a" { source = "./m" }\nmodule "b" {\n  source = "./m"\n  for_each = {}\n}\n'
        'module "c" { source = "../shared" }\nmodule "far" { source = "git::https://u:pw@h/x.git" }\n'
        'module "gone" { source = "./gone" }\n',
        m__main_tf=f'resource "{X}" "r" {{}}\nmodule "n" {{ source = "./n" }}\n',
        m__n__n_tf=f'output "o" {{ value = {X}.r.id }}\n',
    )
    put(tmp_path / "shared", main_tf=f'resource "{X}" "s" {{}}\n')
    found = read(root)
    assert sorted((b.address, b.file) for b in found.blocks) == [
        (f"module.a.{X}.r", "m/main.tf"),
        (f"module.b.{X}.r", "m/main.tf"),
        (f"module.c.{X}.s", "../shared/main.tf"),
    ]
    assert [(r.module, r.block) for r in found.references] == [
        ("module.a.module.n", f"module.a.module.n.{X}.r"),
        ("module.b.module.n", f"module.b.module.n.{X}.r"),
    ]
    unread = {f.name for f in found.files if isinstance(f.lines, Unknown)}
    assert unread == {"module.far", "module.gone"}
    assert "pw@" not in repr(found)


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    put(tmp_path, good_tf=f'resource "{X}" "r" {{}}\n', bad_tf='resource "a" {{ password = "hunter2"')
    found = read(tmp_path)
    assert [b.name for b in found.blocks] == ["r"]
    assert [f.name for f in found.files if isinstance(f.lines, Unknown)] == ["bad.tf"]
    assert "hunter2" not in repr(found)


def test_a_module_that_calls_itself_ends(tmp_path: Path) -> None:
    put(tmp_path, main_tf=f'module "a" {{ source = "./" }}\nresource "{X}" "r" {{}}\n')
    assert any("deep" in f.lines.unknown for f in read(tmp_path).files if isinstance(f.lines, Unknown))


def test_opentofu_reads_its_own_file_instead_of_terraforms(tmp_path: Path) -> None:
    put(tmp_path, main_tf=f'resource "{X}" "theirs" {{}}\n', other_tf="")
    (tmp_path / "main.tofu").write_text(f'resource "{X}" "ours" {{}}\n')
    (tmp_path / ".hidden.tf").write_text("}")
    (tmp_path / "main.tf~").write_text("}")
    found = read(tmp_path)
    assert [b.name for b in found.blocks] == ["ours"]
    assert found.opentofu


def test_other_workspaces_of_the_folder_are_seen(tmp_path: Path) -> None:
    put(tmp_path, main_tf="")
    for path in ("terraform.tfstate", "terraform.tfstate.d/a/terraform.tfstate"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    assert read(tmp_path).workspaces == ("a",)
    assert read(tmp_path, "a").workspaces == ("default",)


def test_no_value_of_a_configuration_is_kept(tmp_path: Path) -> None:
    secret = "s3cr3t-value"
    put(
        tmp_path,
        main_tf=f'variable "p" {{ default = "{secret}" }}\nlocals {{ q = "{secret}${{{X}.r.id}}" }}\n'
        f'resource "{X}" "r" {{\n  admin_pass = "{secret}"\n'
        f"  user_data = <<E\n{secret} ${{{X}.z.id}}\nE\n}}\n",
    )
    (tmp_path / "more.tf.json").write_text(json.dumps({"locals": {"a": secret + "${" + X + ".r.id}"}}))
    found = read(tmp_path)
    assert len(found.references) == 3
    assert secret not in repr(found)
    assert all(isinstance(r, ConfigurationReference) for r in found.references)
