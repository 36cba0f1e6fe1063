export const reasonFor = () => undefined
