# frozen_string_literal: true

module Petrichor
  # The text of numbers. What is malformed is found by a second expression, which
  # matches as much as a number can begin with: what follows that is wrong.
  module Number
    LONGEST = 400 # bytes; decided before anybody looks at a digit

    Grammar = Struct.new(:whole, :beginning)

    INT = Grammar.new(/\A(?:0|-?[1-9][0-9]*)\z/, /\A(?:0|-?(?:[1-9][0-9]*)?)/)
    LOOSE_INT = Grammar.new(/\A[+-]?[0-9]+\z/, /\A[+-]?[0-9]*/)
    FLOAT = Grammar.new(
      /\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\z/,
      /\A-?(?:(?:0|[1-9][0-9]*)(?:\.(?![0-9])|(?:\.[0-9]+)?(?:[eE][+-]?[0-9]*)?))?/
    )
    LOOSE_FLOAT = Grammar.new(
      /\A[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\z/,
      /\A[+-]?(?:\.(?![0-9])|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]*)?)?/
    )
    NONFINITE = /\A[+-]?(?:inf|infinity|nan)\z/i

    class << self
      # Where text stops being a number of a kind, or nil.
      def wrong(kind, text, rules)
        return if kind == :float && rules.nonfinite && NONFINITE.match?(text)

        grammar = const_get("#{"LOOSE_" if rules.loose}#{kind.upcase}")
        grammar.beginning.match(text).end(0) unless grammar.whole.match?(text)
      end

      # The Float that text, which is well formed, stands for: an infinity where it is too large.
      def float(text)
        return nonfinite(text) if NONFINITE.match?(text)

        text = text.sub(/\.(?!\d)/, "") # what ends in a point to_f reads seventy bytes of
        near = text.to_f
        return near if text.bytesize <= 60 || text[/e(.*)/i, 1].to_i.abs > 1000

        nearest(text.to_r, near)
      end

      # Float#to_s, but with an exponent from 1e21 only.
      def text(float)
        text = float.to_s
        return text if float.abs >= 1e21 || !text.include?("e")

        sign, whole, fraction, exponent = /(-?)(\d)\.(\d+)e(.+)/.match(text).captures
        digits = whole + (fraction == "0" ? "" : fraction)
        return "#{sign}0.#{"0" * (-exponent.to_i - 1)}#{digits}" if exponent.to_i.negative?

        "#{sign}#{digits.ljust(exponent.to_i + 1, "0")}.0"
      end

      private

      def nonfinite(text)
        return Float::NAN if text.match?(/nan/i)

        text.start_with?("-") ? -Float::INFINITY : Float::INFINITY
      end

      # String#to_f drops what comes behind sixty digits, and so may miss the nearest by one.
      def nearest(exact, near)
        [near, near.prev_float, near.next_float].min_by do |float|
          [(rational(float) - exact).abs, [float].pack("G").getbyte(7) & 1]
        end
      end

      def rational(float)
        float.infinite? ? Rational(float.infinite? * 2**1024) : float.to_r
      end
    end
  end
end
