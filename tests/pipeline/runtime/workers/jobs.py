"""What the tests of executors have done, in a module that other processes can import."""

import os
import signal
import time


def square(number):
    return number**2


def square_or_die(number):
    if number in (37, 90):
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def slow_square(number):
    time.sleep(0.05)
    return number**2


def threads_of(_):
    import cv2
    from threadpoolctl import threadpool_info

    return cv2.getNumThreads(), max(library["num_threads"] for library in threadpool_info())


def minus(number):
    return -number
