"""One peer in one process: answers requests on its standard input, or runs one prompt and ends.

    python worker.py ENGINE MODEL THREADS                  {"prompts": [[1, 2]], "steps": 3} a line -> {"prompt": s, "decode": s}
    python worker.py ENGINE MODEL THREADS IDS STEPS        start of a process to its end, as a user's script would be
"""
import json
import os
import resource
import sys
import time


def main():
    interpreter = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an engine prints of its own
    from engines import ENGINES

    engine, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    start = time.perf_counter()
    peer = ENGINES[engine][0](model, threads)
    if len(sys.argv) > 4:
        peer.run([[int(i) for i in sys.argv[4].split(",")]], int(sys.argv[5]))
        print(json.dumps({"engine": time.perf_counter() - start, "interpreter": interpreter}), file=answers, flush=True)
        os._exit(0)  # the first token is out; what an engine takes to put itself away does not count
    for line in sys.stdin:
        request = json.loads(line)
        prompt, decode = peer.run(request["prompts"], request["steps"])
        print(json.dumps({"prompt": prompt, "decode": decode}), file=answers, flush=True)


main()
