"""The stdout callback as a person sees it: real runs of ansible-playbook on this machine."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PLAYS = """
- name: Look around
  hosts: all
  gather_facts: false
  tasks:
    - name: Ask everybody
      ansible.builtin.command: "true"
      changed_when: inventory_hostname == 'b'
    - name: Remember it
      ansible.builtin.set_fact: {answer: 42}
    - name: Never do this
      ansible.builtin.command: "true"
      when: false
    - name: Show the plan
      ansible.builtin.debug:
        msg: "the plan\\n  1. first"
      run_once: true
    - name: Show what each has
      ansible.builtin.debug: {var: deep}
      vars: {deep: {key: [1, 2]}}
    - name: Go through some
      ansible.builtin.command: "{{ item }}"
      loop: ["true", "cat /nonexistent/file"]
      ignore_errors: true
      run_once: true
    - name: Write a file
      ansible.builtin.copy: {content: "new line\\n", dest: "{{ playbook_dir }}/file", mode: "0644"}
      run_once: true
    - name: Handle a secret
      ansible.builtin.command: cat /nonexistent/verysecret
      no_log: true
      ignore_errors: true
      run_once: true
    - name: Try and rescue
      when: inventory_hostname == 'a'
      block:
        - name: Stumble
          ansible.builtin.fail: {msg: stumbled}
      rescue:
        - name: Get up
          ansible.builtin.command: "true"
          changed_when: false
- name: Act side by side
  hosts: all
  gather_facts: false
  strategy: ansible.builtin.free
  tasks:
    - name: Act
      ansible.builtin.command: "true"
      changed_when: true
- name: Talk to nobody
  hosts: nobody
  gather_facts: false
  tasks:
    - name: Do nothing
      ansible.builtin.debug: {msg: never}
- name: Call somebody who is away
  hosts: a
  gather_facts: false
  vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}
  tasks:
    - name: Call
      ansible.builtin.command: "true"
      ignore_unreachable: true
- name: Decide
  hosts: b
  gather_facts: false
  tasks:
    - name: Refuse
      ansible.builtin.fail:
        msg: "refused: pg1 is alive\\nNext: go home"
"""


def command(folder: Path, *options: str) -> list[str]:
    """The command line, on three hosts that are all this machine."""
    hosts = {"hosts": {name: {"ansible_connection": "local"} for name in "abc"},
             "children": {"nobody": {"hosts": {}}}}  # fmt: skip
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": hosts}))
    (folder / "plays.yml").write_text(PLAYS)
    return [str(BIN / "ansible-playbook"), "-i", str(folder / "hosts.yml"), str(folder / "plays.yml"), *options]


def environment(folder: Path) -> dict[str, str]:
    """The repository's own configuration, without colours, with its files in a folder of its own."""
    own = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    return {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")} | own


def shown(folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and stdout, each time stamp replaced by T and each duration taken out."""
    done = subprocess.run(
        command(folder, *options), cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=120,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    text = re.sub(r"^\[ *\d+\.\d s\]", "T", done.stdout, flags=re.MULTILINE)
    return done.returncode, re.sub(r"; \d+\.\d s\)|  \(\d+\.\d s\)", lambda m: ")" if m[0][0] == ";" else "", text)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run shows."""
    rc, text = shown(tmp_path_factory.mktemp("plain"), "--diff")
    assert rc == 2, text
    return text


def test_the_whole_screen(screen: str) -> None:
    """Line by line. What is bookkeeping, skipped, or for nobody is not there."""
    lines = screen.splitlines()
    ssh = next(line for line in lines if line.startswith("T   a: no answer: "))
    expected = """\
T Look around
T   Ask everybody  (b changed; a, c)
the plan
  1. first
DEEP
T   a: Go through some: cat /nonexistent/file: failed
           cat /nonexistent/file: exit status 1
           cat: /nonexistent/file: No such file or directory
           and the run goes on
T   a: Write a file
--- before
+++ after: FILE
@@ -0,0 +1 @@
+new line
T   Write a file  (a changed)
T   a: Handle a secret: failed
           hidden, for the task says no_log
           and the run goes on
T   a: Stumble: failed
           stumbled
T   Get up  (a)
T Act side by side
ACT
T Call somebody who is away
SSH
T Decide
T   b: Refuse: failed
           refused: pg1 is alive
           Next: go home
T failed on b, after TIME, 7 changed"""
    text = re.sub(r"\+\+\+ after: \S+/file", "+++ after: FILE", screen.rstrip("\n")).replace(ssh, "SSH")
    text = re.sub(r"(^[abc]: deep:\n    key:\n    - 1\n    - 2\n){3}", "DEEP\n", text, flags=re.MULTILINE)
    text = re.sub(r"(^T   Act  \([abc, ]+ changed\)\n)+", "ACT\n", text, flags=re.MULTILINE)
    text = re.sub(r"after \d+\.\d s", "after TIME", text)
    assert text == expected.rstrip("\n"), screen
    assert "Connection refused" in ssh and ssh.endswith("; the run goes on")


def test_nothing_secret_and_no_json(screen: str) -> None:
    """Neither what no_log hides nor whole results."""
    assert "verysecret" not in screen
    assert '"changed"' not in screen and "FAILED!" not in screen and "{" not in screen


def test_everybody_who_acts_side_by_side_is_told(screen: str) -> None:
    """With strategy free, in one line or in several."""
    acted = re.findall(r"^T   Act  \((.*?) changed\)", screen, flags=re.MULTILINE)
    assert sorted(", ".join(acted).split(", ")) == ["a", "b", "c"]


def test_check_mode_is_marked(tmp_path: Path) -> None:
    """In every play's title and at the end."""
    _, text = shown(tmp_path, "--check")
    assert "T Look around (check mode)\n" in text
    assert re.search(
        r"^T failed on b, after \S+ s, \d would be changed \(check mode: nothing was\)$", text, re.MULTILINE
    )
    assert not (tmp_path / "file").exists()


def test_verbose_brings_the_noise_back(tmp_path: Path) -> None:
    """As Ansible itself shows it."""
    _, text = shown(tmp_path, "-v")
    assert "PLAY [Look around] ***" in text and "TASK [Ask everybody] ***" in text and "PLAY RECAP ***" in text
    assert "changed: [b] => " in text and "T " not in text.splitlines()[0]


def test_a_terminal_shows_what_is_under_way(tmp_path: Path) -> None:
    """A line at the foot, taken away in the end; the lines above are the same."""
    (tmp_path / "slow.yml").write_text(
        "- name: Wait\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Take long\n      ansible.builtin.command: sleep 3\n      changed_when: false\n"
    )
    argv = command(tmp_path)
    argv[-1] = str(tmp_path / "slow.yml")
    ours, theirs = pty.openpty()
    with subprocess.Popen(argv, cwd=ROOT, env=environment(tmp_path), stdin=theirs, stdout=theirs, stderr=theirs) as run:
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
    os.close(ours)
    assert run.returncode == 0, text
    said = text.decode().replace("\r\n", "\n")
    assert re.search(r"\r\x1b\[K\[ *\d+\.\d s\]   … Take long \(a, b, c\)", said)
    left = "\n".join(re.sub(r"^.*\r\x1b\[K", "", line) for line in said.split("\n"))
    assert re.search(
        r"Wait\n\[.*\]   Take long  \(a, b, c; \d+\.\d s\)\n\[.*\] done in \d+\.\d s, nothing changed", left
    )
    assert "…" not in left
