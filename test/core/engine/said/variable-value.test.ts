import { describe, expect, it } from 'vitest';
import { typedValue } from '../../../../core/engine/said/variable-value.ts';

const valid = (value: unknown) => ({ value, isValid: true });
const invalid = (value: unknown) => ({ value, isValid: false });

describe('the value of a variable', () => {
  it.each([
    ['boolean', 'true', valid(true)],
    ['boolean', 'TRUE', valid(true)],
    ['boolean', '1', valid(true)],
    ['boolean', 'f', valid(false)],
    ['boolean', 'yes', invalid(false)],
    ['boolean', '', invalid(false)],
    ['integer', '42', valid(42)],
    ['integer', '+5', valid(5)],
    ['integer', '-7', valid(-7)],
    ['integer', '1.5', invalid(0)],
    ['integer', ' 5', invalid(0)],
    ['integer', '1e3', invalid(0)],
    ['integer', '', invalid(0)],
    ['integer', '9223372036854775807', valid(2 ** 63)],
    ['integer', '9223372036854775808', invalid(2 ** 63)],
    ['integer', '-9223372036854775809', invalid(-(2 ** 63))],
    ['double', '0.25', valid(0.25)],
    ['double', '.5', valid(0.5)],
    ['double', '5.', valid(5)],
    ['double', '-1e-3', valid(-0.001)],
    ['double', '1_000', valid(1000)],
    ['double', '1,5', invalid(0)],
    ['double', '1e999', invalid(0)],
    ['double', 'x', invalid(0)],
    ['json', '{"a":[1]}', valid({ a: [1] })],
    ['json', 'null', valid(null)],
    ['json', '{', invalid(null)],
    ['string', ' x ', valid(' x ')],
    ['of no known type', '7', valid('7')],
  ])('the value of a variable of %s, written %j', (type, text, expected) => {
    expect(typedValue(type, text)).toEqual(expected);
  });
});
