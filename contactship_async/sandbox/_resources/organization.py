"""What the resources of one made-up organization share: its id, random streams, time, and how its listings behave."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from threading import RLock
from typing import Final

from contactship_async.sandbox._calls.agenda import Agenda

IN_MEMORY: Final = "https://recordings.example"
"""Where recordings are said to be while nothing is served: nobody can register what ends in .example (RFC 2606)."""

# The lines 555-0100 to 555-0199 of every area code are set aside for fiction (https://en.wikipedia.org/wiki/555_number).
_LINES: Final = 100
_AREA_CODES: Final = (  # noqa: SIM905 - reads better than a list of so many strings
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 "
    "419 423 425 430 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 "
    "518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 "
    "614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 "
    "712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 "
    "801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 "
    "860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 "
    "940 941 949 951 952 954 956 970 971 972 973 978 979 980 985 989"
).split()


def make_uuid(random: Random) -> str:
    """Return 128 random bits in the form of a UUID, of no version."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Organization:
    """One made-up organization.

    Args:
        seed: The same seed makes the same organization.
        max_limit: Rows on a page at the most.
        count_follows_filter: Whether the count of a listing counts the rows that its filters select, or all.
        clock: Seconds of a monotonic clock, which its time goes by.
    """

    def __init__(
        self,
        seed: int,
        *,
        max_limit: int,
        count_follows_filter: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_limit = max_limit
        self.count_follows_filter = count_follows_filter
        self.base_url = IN_MEMORY
        self.lock = RLock()  # held while a request is handled: the server may run in another thread than a test
        self.agenda = Agenda(clock, self.lock)
        self._seed = seed
        # Phone numbers were all there was at first: the organization's id comes from their stream, so that it stays.
        first = Random(seed)  # noqa: S311 - made-up data, and the same for the same seed
        self._area_codes = first.sample(_AREA_CODES, len(_AREA_CODES))
        self.id = f"org-{make_uuid(first)}"
        self._streams = {"phone_numbers": first}

    def random(self, resource: str) -> Random:
        """Return the random stream of a resource, which no other resource's rows can shift."""
        if resource not in self._streams:
            self._streams[resource] = Random(f"{resource} {self._seed}")  # noqa: S311 - as above
        return self._streams[resource]

    def make_phone_number(self, index: int) -> str:
        """Return a number that is reserved for fiction: distinct ones for 0 to 26,799, then the same again.

        They take one line of each area code in turn, then the next line.
        """
        round_, turn = divmod(index, len(self._area_codes))
        return f"+1{self._area_codes[turn]}55501{round_ % _LINES:02d}"
