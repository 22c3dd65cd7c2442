# frozen_string_literal: true

module Petrichor
  NINE_DIGITS = 999_999_999

  # What a reader accepts. The methods that read and write take them as keywords.
  #
  #   size        the largest payload of an element or a body, in bytes
  #   header      the largest payload of a header, in bytes
  #   frame       the most bytes of a header, whole, and the payload of its body together
  #   depth       how many lists and dicts may lie inside one another
  #   values      how many elements there may be in one, itself and keys counted
  #
  # Leniency, all off:
  #
  #   text        the tag ; for strings that are UTF-8; such strings are also written with it
  #   loose       0005:hello, and the numbers +5 05 -0 .5 5.
  #   nonfinite   inf and nan, also written
  #   duplicates  a key twice: the last one counts
  Rules = Struct.new(:size, :header, :frame, :depth, :values, :text, :loose, :nonfinite, :duplicates,
                     keyword_init: true) do
    def with(**changes)
      changes.empty? ? self : self.class.new(**to_h, **changes).freeze
    end
  end

  # For bytes that are here already.
  BUFFER = Rules.new(size: NINE_DIGITS, header: NINE_DIGITS, frame: 2 * NINE_DIGITS, depth: 100,
                     values: NINE_DIGITS).freeze

  # For peers.
  STREAM = BUFFER.with(size: 1 << 20, header: 64 << 10, values: 65_536)

  # The most that is read of a peer nobody has allowed yet.
  FIRST_FRAME = 16 << 10
end
