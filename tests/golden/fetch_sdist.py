#!/usr/bin/env python3
"""Fetches the source package of a project from the package index that pip uses and unpacks it, without building it:

    python3 tests/golden/fetch_sdist.py vllm llama-cpp-python==0.3.36 FOLDER

Prints the folder of each. What is there already is not fetched again.
"""
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request


def index():
    configured = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True).stdout.strip()
    return (os.environ.get("PIP_INDEX_URL") or configured or "https://pypi.org/simple").rstrip("/")


def source_package(project, version):
    """URL and name of the newest source package, or of the version's."""
    page = f"{index()}/{project}/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    found = [f for f in files if f["filename"].endswith(".tar.gz") and (not version or f["filename"].endswith(f"-{version}.tar.gz")) and not f.get("yanked")]
    if not found:
        sys.exit(f"{project} {version}: no source package in {page}")
    newest = max(found, key=lambda f: f.get("upload-time", ""))
    return urllib.parse.urljoin(page, newest["url"]), newest["filename"]


def fetch(requirement, folder):
    project, _, version = requirement.partition("==")
    url, name = source_package(project, version)
    target = folder / name.removesuffix(".tar.gz")
    if not target.exists():
        archive = folder / name
        urllib.request.urlretrieve(url, archive)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
    return target


def main():
    *requirements, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for requirement in requirements:
        print(fetch(requirement, folder))


if __name__ == "__main__":
    main()
