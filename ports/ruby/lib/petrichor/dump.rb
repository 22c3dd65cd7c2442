# frozen_string_literal: true

module Petrichor
  # Makes an element of a value:
  #
  #   String, Symbol   its bytes, whatever its encoding says
  #   Integer          of up to 400 bytes
  #   Float            finite
  #   true, false, nil
  #   Array
  #   Hash             whose keys are strings and symbols
  #
  # What a reader would refuse is not written. Like Walk it does not call itself.
  class Dump
    # A container being written: its tag, the items to come, and those that are there.
    Box = Struct.new(:kind, :items, :payload)

    def self.call(value, rules)
      new(rules).call(value)
    end

    def initialize(rules)
      @rules = rules
    end

    def call(value)
      boxes = [Box.new(nil, [value], String.new)]
      loop do
        box = boxes.last
        next add(boxes, box.items.shift) unless box.items.empty?
        return box.payload if boxes.size == 1

        boxes.pop
        boxes.last.payload << element(box.kind, box.payload)
      end
    end

    private

    def add(boxes, value)
      case value
      when Array then open(boxes, :list, value.dup)
      when Hash then open(boxes, :dict, entries(value))
      else boxes.last.payload << scalar(value)
      end
    end

    def open(boxes, kind, items)
      refuse("nested deeper than #{@rules.depth}: does it contain itself?") if boxes.size > @rules.depth

      boxes.push(Box.new(kind, items, String.new))
    end

    # To Ruby the binary and the UTF-8 string of the same bytes may be two keys.
    def entries(hash)
      bytes = hash.each_key.map do |key|
        refuse("a key is a String or a Symbol, not #{key.class}") unless key.is_a?(String) || key.is_a?(Symbol)
        key.to_s.b
      end
      refuse("a key that is there twice") if bytes.uniq.size < bytes.size

      hash.flat_map { |entry| entry }
    end

    def scalar(value)
      case value
      when String, Symbol then element(string_kind(value.to_s), value.to_s.b)
      when Integer then element(:int, int(value))
      when Float then element(:float, float(value))
      when true, false then element(:bool, value.to_s)
      when nil then element(:null, "")
      else refuse("#{value.class} is no kind of element")
      end
    end

    def element(kind, payload)
      refuse("more than #{NINE_DIGITS} bytes of payload") if payload.bytesize > NINE_DIGITS

      "#{payload.bytesize}:".b << payload << Element::TAGS[kind]
    end

    def string_kind(string)
      text = @rules.text && [Encoding::UTF_8, Encoding::US_ASCII].include?(string.encoding) && string.valid_encoding?
      text ? :text : :string
    end

    def int(value)
      digits = value.bit_length > 4 * Number::LONGEST ? "" : value.to_s
      refuse("an int of more than #{Number::LONGEST} bytes") unless digits.bytesize.between?(1, Number::LONGEST)

      digits
    end

    def float(value)
      return Number.text(value) if value.finite?

      refuse("#{value} is no float") unless @rules.nonfinite
      value.nan? ? "nan" : value.positive? ? "inf" : "-inf"
    end

    def refuse(why)
      raise Error.new(:value, nil, why)
    end
  end
end
