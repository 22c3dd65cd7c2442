# frozen_string_literal: true

require "minitest/autorun"
require "petrichor"

# The vectors that every implementation passes; spec/vectors/README.md says what
# their keys mean.
module Vectors
  ESCAPE = /\\(?:\\|x(..))/n

  class << self
    def all
      Dir[File.join(__dir__, "../../../spec/vectors/*.txt")].flat_map { |path| records(File.binread(path)) }
    end

    def unescape(text)
      text.b.gsub(ESCAPE) { $1 ? $1.hex.chr.b : "\\" }
    end

    def escape(bytes)
      text = bytes.gsub(%r{[^ -.0-\[\]-~]}n) { |byte| byte == "\\" ? "\\\\" : format("\\x%02x", byte.ord) }
      text.sub(/\A /, "\\x20").sub(/ \z/, "\\x20")
    end

    private

    def records(text)
      text.split("\n\n").map { |paragraph| record(paragraph.lines(chomp: true)) }.reject(&:empty?)
    end

    def record(lines)
      record = lines.grep_v(/\A(#|\z)/).to_h { |line| line.split(":", 2).map { |part| part.gsub(/\A +| +\z/, "") } }
      %w[wire rest canon].each { |key| record[key] = unescape(record[key]) if record.key?(key) }
      record
    end
  end

  # The elements in some bytes, as they come.
  class Trace
    include Petrichor::Walk

    def self.of(data, rules)
      new(data, rules).call
    end

    def initialize(data, rules)
      @data = data
      @rules = rules
      @seen = []
    end

    def call
      at = 0
      while at < @data.bytesize
        element = Petrichor::Element.cut(@data, @rules, at: at)
        walk(element)
        at = element.stop + 1
      end
      @seen.join(" / ")
    end

    private

    def enter(element, _depth)
      shown = Vectors.escape(@data.byteslice(element.start...element.stop))
      shown = element.stop - element.start if element.container?
      @seen << "#{element.kind} #{shown}".rstrip
    end

    def leave(_element); end
  end
end
