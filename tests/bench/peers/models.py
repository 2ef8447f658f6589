"""The models that peers run, made from a Hugging Face folder with each one's own defaults."""
import pathlib
import subprocess
import sys
import tempfile


def llama(source, folder, kinds):
    import gguf_file

    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        whole = pathlib.Path(temporary) / "float32.gguf"
        gguf_file.write(source, whole)
        for kind in kinds:
            gguf_file.quantize(whole, folder / f"{kind}.gguf", kind)


def openvino(source, folder, group):
    """optimum-intel's default, 4 bits without zero points in groups of 128, or smaller where 128 does not divide the model's rows."""
    command = [sys.executable, "-c", "from optimum.commands.optimum_cli import main; main()", "export", "openvino", "-m", str(source),
               "--task", "text-generation-with-past", "--weight-format", "int4", "--group-size", str(group), str(folder / "openvino")]
    subprocess.run(command, check=True)


def ort(source, folder):
    """The model builder's default: 4 bits without zero points in blocks of 32, activations in 8 bits."""
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(source), "-o", str(folder / "ort"), "-p", "int4", "-e", "cpu",
               "-c", str(folder / "cache")]
    subprocess.run(command, check=True)


def make(arguments):
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    if "llama" in arguments.engines:
        llama(arguments.source, folder, arguments.kinds)
    if "openvino" in arguments.engines:
        openvino(arguments.source, folder, arguments.group)
    if "ort" in arguments.engines:
        ort(arguments.source, folder)
