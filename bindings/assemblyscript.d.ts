// The number types of AssemblyScript, for the few files under assembly/ that both languages read.
declare type i32 = number;
declare type u32 = number;
declare type f64 = number;
