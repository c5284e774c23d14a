#!/usr/bin/env python3
"""One run of one peer of compare.py, in a process of its own: FUNCTION THREADS ARGUMENTS..., prints rates as JSON."""

import json
import os
import sys
import time


# By the wall; or, with IMAGO_BENCH_CPU_TIME set, of this process's processor time, as `imago bench` has it: for one thread.
now = time.process_time if os.environ.get("IMAGO_BENCH_CPU_TIME") else time.perf_counter


def best_of(run, times=3):
    run()  # the first one allocates and compiles
    seconds = []
    for _ in range(times):
        start = now()
        run()
        seconds.append(now() - start)
    return min(seconds)


def token_ids(batch, tokens):
    return [[3 + (i * tokens + j) % 97 for j in range(tokens)] for i in range(batch)]


def torch_model(folder, threads, kind="AutoModel"):
    import torch
    import transformers
    torch.set_num_threads(threads)
    return getattr(transformers, kind).from_pretrained(folder).eval()


def encode_torch(threads, folder, precision, batch, tokens):
    import torch
    model = torch_model(folder, threads)
    if precision == "int8":
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    ids = torch.tensor(token_ids(batch, tokens))
    with torch.inference_mode():
        return {"": batch / best_of(lambda: model(input_ids=ids))}


def onnx_file(threads, folder, tokens):
    """Made once, beside the checkpoint, for any number of texts."""
    import torch
    path = os.path.join(folder, f"model.{tokens}.onnx")
    if not os.path.exists(path):
        class Encoder(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = torch_model(folder, threads)

            def forward(self, input_ids):
                return self.model(input_ids=input_ids).last_hidden_state

        ids = torch.tensor(token_ids(2, tokens))
        batch = torch.export.Dim("batch", min=1, max=64)
        torch.onnx.export(Encoder().eval(), (ids,), path, input_names=["input_ids"],
                          output_names=["last_hidden_state"], dynamic_shapes={"input_ids": {0: batch}}, dynamo=True)
    return path


def encode_onnxruntime(threads, folder, precision, batch, tokens):
    import numpy
    import onnxruntime
    path = onnx_file(threads, folder, tokens)
    if precision == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic
        rounded = path.replace(".onnx", ".int8.onnx")
        if not os.path.exists(rounded):
            quantize_dynamic(path, rounded, weight_type=QuantType.QInt8)
        path = rounded
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {"input_ids": numpy.array(token_ids(batch, tokens), dtype=numpy.int64)}
    return {"": batch / best_of(lambda: session.run(None, feed))}


def encode_ctranslate2(threads, folder, precision, batch, tokens):
    import ctranslate2
    import transformers
    transformers.BertConfig.position_embedding_type = "absolute"  # which the converter asks for, and 5.x has no more
    path = os.path.join(folder, f"ctranslate2.{precision}")
    if not os.path.exists(path):
        converter = ctranslate2.converters.TransformersConverter(folder)
        converter.convert(path, quantization="int8" if precision == "int8" else "float32")
    encoder = ctranslate2.Encoder(path, device="cpu", intra_threads=threads, inter_threads=1,
                                  compute_type="int8" if precision == "int8" else "float32")
    ids = token_ids(batch, tokens)
    return {"": batch / best_of(lambda: encoder.forward_batch(ids))}


def encode_openvino(threads, folder, precision, batch, tokens):
    import openvino
    import numpy
    core = openvino.Core()
    model = core.read_model(onnx_file(threads, folder, tokens))
    if precision == "int8":
        raise RuntimeError("int8 needs calibration by another package (nncf)")
    model.reshape([batch, tokens])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    ids = numpy.array(token_ids(batch, tokens), dtype=numpy.int64)
    return {"": batch / best_of(lambda: compiled([ids]))}


def translate_torch(threads, folder, batch, tokens):
    import torch
    model = torch_model(folder, threads, "AutoModelForSeq2SeqLM")
    ids = torch.tensor(token_ids(batch, tokens))
    with torch.inference_mode():
        return {"": batch / best_of(lambda: model.generate(ids, max_new_tokens=tokens, min_new_tokens=tokens,
                                                           do_sample=False, num_beams=1))}


def seeing_model(threads, folder, batch, size, tokens):
    """A model that takes pictures, and what it is given: some pixels, and texts where it compares them."""
    import torch
    import transformers
    kind = json.load(open(os.path.join(folder, "config.json")))["architectures"][0]
    height, width = (int(side) for side in size.split("x"))
    inputs = {"pixel_values": (torch.arange(batch * 3 * height * width) % 251 / 125 - 1).reshape(batch, 3, height, width)}
    if tokens:
        inputs["input_ids"] = torch.tensor(token_ids(batch, tokens))
    return torch_model(folder, threads, kind), inputs


def see_torch(threads, folder, batch, size, tokens):
    import torch
    model, inputs = seeing_model(threads, folder, batch, size, tokens)
    with torch.inference_mode():
        return {"": batch / best_of(lambda: model(**inputs))}


def seeing_onnx_file(threads, folder, batch, size, tokens):
    """Made once, beside the checkpoint, for these sizes alone, which gives the peer most to plan with."""
    import torch
    path = os.path.join(folder, f"model.{batch}.{size}.onnx")
    if not os.path.exists(path):
        model, inputs = seeing_model(threads, folder, batch, size, tokens)

        class Seeing(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, *tensors):
                output = self.model(**dict(zip(inputs, tensors)))
                return output.logits_per_image if tokens else output.logits

        torch.onnx.export(Seeing().eval(), tuple(inputs.values()), path, input_names=list(inputs), dynamo=True)
    return path


def seeing_arrays(threads, folder, batch, size, tokens):
    return {name: tensor.numpy() for name, tensor in seeing_model(threads, folder, batch, size, tokens)[1].items()}


def see_onnxruntime(threads, folder, batch, size, tokens):
    import onnxruntime
    path = seeing_onnx_file(threads, folder, batch, size, tokens)
    feed = seeing_arrays(threads, folder, batch, size, tokens)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return {"": batch / best_of(lambda: session.run(None, feed))}


def see_openvino(threads, folder, batch, size, tokens):
    import openvino
    feed = seeing_arrays(threads, folder, batch, size, tokens)
    compiled = openvino.Core().compile_model(seeing_onnx_file(threads, folder, batch, size, tokens), "CPU",
                                             {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    return {"": batch / best_of(lambda: compiled(list(feed.values())))}


def llama_cpp(threads, path, prompt, new):
    import llama_cpp as package
    model = package.Llama(path, n_ctx=prompt + new + 8, n_batch=prompt, n_ubatch=prompt, n_threads=threads,
                          n_threads_batch=threads, verbose=False)
    ids = [3 + i % 97 for i in range(prompt)]
    model.eval(ids[:1])
    model.reset()
    start = now()
    model.eval(ids)
    middle = now()
    for _ in range(new):
        model.eval([7])
    end = now()
    return {f"prompt {prompt}": prompt / (middle - start), "decode": new / (end - middle)}


def llama_cpp_context(threads, path, prompt, new, dtype):
    import llama_cpp as package
    kind = getattr(package, "GGML_TYPE_" + dtype.upper())
    model = package.Llama(path, n_ctx=prompt + new + 8, n_batch=512, n_ubatch=512, n_threads=threads,
                          n_threads_batch=threads, type_k=kind, type_v=kind, flash_attn=True, verbose=False)
    ids = [3 + i % 97 for i in range(prompt)]
    start = now()
    model.eval(ids)
    middle = now()
    for _ in range(new):
        model.eval([7])
    return {"prompt": prompt / (middle - start), "decode": new / (now() - middle)}


def peak_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def start_llama_cpp(threads, path):
    import llama_cpp as package
    before = peak_memory()
    start = now()
    model = package.Llama(path, n_ctx=512, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
    model.eval([1])
    return {"seconds": now() - start, "bytes": peak_memory() - before}


def main():
    function, threads = sys.argv[1], int(sys.argv[2])
    arguments = [int(text) if text.isdigit() else text for text in sys.argv[3:]]
    sys.stdout, real = sys.stderr, sys.stdout  # what libraries print is no result
    result = globals()[function](threads, *arguments)
    print(json.dumps(result), file=real)


if __name__ == "__main__":
    main()
